"""The POSaBIT simulator: the contract of the vendor reference over a simulated retailer."""

from simulators.posabit.server import PosabitServer

__all__ = ["PosabitServer"]

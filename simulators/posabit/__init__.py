"""The POSaBIT simulator: the contract of the vendor reference over a simulated retailer."""

from simulators.platforms import POSABIT as PLATFORM
from simulators.posabit.server import PosabitServer

SERVER = PosabitServer

__all__ = ["PLATFORM", "SERVER", "PosabitServer"]

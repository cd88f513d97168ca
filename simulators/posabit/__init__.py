"""The POSaBIT simulator: the contract of the vendor reference over a simulated retailer."""

from simulators.posabit.server import PosabitServer
from simulators.retailer.platforms import POSABIT as PLATFORM

SERVER = PosabitServer

__all__ = ["PLATFORM", "SERVER", "PosabitServer"]

"""The THSuite simulator: the contract proposed in the vendor reference, all of it inferred."""

from simulators.thsuite.api import ThsuiteApi
from simulators.thsuite.platform import THSUITE as PLATFORM
from simulators.thsuite.server import ThsuiteServer

SERVER = ThsuiteServer

__all__ = ["PLATFORM", "SERVER", "ThsuiteApi", "ThsuiteServer"]

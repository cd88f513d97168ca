"""The Auphan simulator: reports of a server in a back office, or of a hosted one."""

from simulators.auphan.api import AuphanApi
from simulators.auphan.platform import AUPHAN as PLATFORM
from simulators.auphan.server import AuphanServer

SERVER = AuphanServer

__all__ = ["PLATFORM", "SERVER", "AuphanApi", "AuphanServer"]

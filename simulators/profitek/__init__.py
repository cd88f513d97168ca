"""The Profitek simulator: a server in a back office, one AuthKey for each Store Name."""

from simulators.profitek.api import ProfitekApi
from simulators.profitek.platform import PROFITEK as PLATFORM
from simulators.profitek.server import ProfitekServer

SERVER = ProfitekServer

__all__ = ["PLATFORM", "SERVER", "ProfitekApi", "ProfitekServer"]

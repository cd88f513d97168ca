"""The Webjoint simulator: one key for a company, and a loop over its facilities."""

from simulators.webjoint.api import WebjointApi
from simulators.webjoint.platform import WEBJOINT as PLATFORM
from simulators.webjoint.server import WebjointServer

SERVER = WebjointServer

__all__ = ["PLATFORM", "SERVER", "WebjointApi", "WebjointServer"]

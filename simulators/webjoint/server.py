"""A running Webjoint."""

from __future__ import annotations

from simulators.serving.server import SimServer

from .api import WebjointApi
from .edits import WebjointEdits


class WebjointServer(SimServer[WebjointApi]):
    """Serves Webjoint under `/prod/api`: `with WebjointServer(World(spec, PLATFORM)) as s: …`."""

    api_class = WebjointApi
    edits_class = WebjointEdits

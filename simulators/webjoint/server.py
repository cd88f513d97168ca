"""A running Webjoint."""

from __future__ import annotations

from simulators.serving.server import SimServer

from .api import WebjointApi
from .edits import WebjointEdits


class WebjointServer(SimServer[WebjointApi]):
    """`with WebjointServer(World(spec, WEBJOINT)) as server: …`; the API is under `/prod/api`."""

    api_class = WebjointApi
    edits_class = WebjointEdits

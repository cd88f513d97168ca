"""A running Webjoint."""

from __future__ import annotations

from typing import Any

from simulators.retailer.world import World
from simulators.serving.server import SimServer

from .api import WebjointApi
from .edits import WebjointEdits


class WebjointServer(SimServer[WebjointApi]):
    """`with WebjointServer(World(spec, WEBJOINT)) as server: …`; the API is under `/prod/api`."""

    edits_class = WebjointEdits

    def __init__(self, world: World, **options: Any) -> None:
        super().__init__(world, WebjointApi, **options)

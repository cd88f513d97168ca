"""A running THSuite."""

from __future__ import annotations

from typing import Any

from simulators.retailer.world import World
from simulators.serving.server import SimServer

from .api import ThsuiteApi


class ThsuiteServer(SimServer[ThsuiteApi]):
    """`with ThsuiteServer(World(spec, THSUITE)) as server: …`; the API lives under `/api`."""

    def __init__(self, world: World, **options: Any) -> None:
        super().__init__(world, ThsuiteApi, **options)

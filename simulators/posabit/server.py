"""A running POSaBIT."""

from __future__ import annotations

from typing import Any

from simulators.retailer.world import World
from simulators.serving.server import SimServer

from .api import PosabitApi
from .edits import PosabitEdits


class PosabitServer(SimServer[PosabitApi]):
    """`with PosabitServer(world) as server: …`; the API lives under `/api`."""

    edits_class = PosabitEdits

    def __init__(self, world: World, **options: Any) -> None:
        super().__init__(world, PosabitApi, **options)

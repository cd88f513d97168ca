"""A running POSaBIT."""

from __future__ import annotations

from typing import Any

from simulators.server import SimServer
from simulators.world import World

from .api import PosabitApi
from .edits import PosabitEdits


class PosabitServer(SimServer[PosabitApi]):
    """`with PosabitServer(world) as server: …`; the API lives under `/api`."""

    edits_class = PosabitEdits

    def __init__(self, world: World, **options: Any) -> None:
        super().__init__(world, PosabitApi, **options)

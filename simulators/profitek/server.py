"""A running Profitek, in the back office of its retailer."""

from __future__ import annotations

from typing import Any

from simulators.retailer.world import World
from simulators.serving.backoffice import BackOfficeServer

from .api import ProfitekApi


class ProfitekServer(BackOfficeServer[ProfitekApi]):
    """`with ProfitekServer(world, tls="self-signed") as server: …`."""

    def __init__(self, world: World, **options: Any) -> None:
        super().__init__(world, ProfitekApi, **options)

"""A running Auphan, in the back office of its retailer."""

from __future__ import annotations

from typing import Any

from simulators.retailer.world import World
from simulators.serving.backoffice import BackOfficeServer

from .api import AuphanApi


class AuphanServer(BackOfficeServer[AuphanApi]):
    """`with AuphanServer(world, tls="self-signed") as server: …`."""

    def __init__(self, world: World, **options: Any) -> None:
        super().__init__(world, AuphanApi, **options)

"""The Newpos simulator: a first guess at its contract, over a simulated retailer."""

from __future__ import annotations

from simulators.retailer.platforms import Platform
from simulators.serving.server import SimServer

from .api import NewposApi

PLATFORM = Platform("newpos")
"""How its retailers differ from others'."""


class SERVER(SimServer[NewposApi]):
    """`with SERVER(World(spec, PLATFORM)) as server: …  server.base_url`."""

    api_class = NewposApi

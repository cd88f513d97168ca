"""A running THSuite."""

from __future__ import annotations

from simulators.serving.server import SimServer

from .api import ThsuiteApi


class ThsuiteServer(SimServer[ThsuiteApi]):
    """Serves THSuite under `/api`: `with ThsuiteServer(World(spec, PLATFORM)) as server: …`."""

    api_class = ThsuiteApi

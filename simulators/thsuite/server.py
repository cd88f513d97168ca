"""A running THSuite."""

from __future__ import annotations

from simulators.serving.server import SimServer

from .api import ThsuiteApi


class ThsuiteServer(SimServer[ThsuiteApi]):
    """`with ThsuiteServer(World(spec, THSUITE)) as server: …`; the API lives under `/api`."""

    api_class = ThsuiteApi

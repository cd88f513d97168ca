"""A running POSaBIT."""

from __future__ import annotations

from simulators.serving.server import SimServer

from .api import PosabitApi
from .edits import PosabitEdits


class PosabitServer(SimServer[PosabitApi]):
    """Serves POSaBIT under `/api`: `with PosabitServer(world) as server: …`."""

    api_class = PosabitApi
    edits_class = PosabitEdits

"""A running Profitek, in the back office of its retailer."""

from __future__ import annotations

from simulators.serving.backoffice import BackOfficeServer

from .api import ProfitekApi


class ProfitekServer(BackOfficeServer[ProfitekApi]):
    """Serves Profitek: `with ProfitekServer(world, tls="self-signed") as server: …`."""

    api_class = ProfitekApi

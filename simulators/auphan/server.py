"""A running Auphan, in the back office of its retailer."""

from __future__ import annotations

from simulators.serving.backoffice import BackOfficeServer

from .api import AuphanApi


class AuphanServer(BackOfficeServer[AuphanApi]):
    """Serves Auphan: `with AuphanServer(world, tls="self-signed") as server: …`."""

    api_class = AuphanApi

"""The HTTP client of a transport: no redirects, nothing from the environment."""

from __future__ import annotations

import logging

import requests
from requests.adapters import HTTPAdapter


class _Client(requests.Session):
    """Sees no redirect in an answer. Told not to follow one, `requests` would still read its body
    to the end, without limit, and its address."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None


def client_over(adapter: HTTPAdapter) -> requests.Session:
    """No proxies or passwords from the environment, one connection, JSON asked for."""
    # urllib3 writes whole URLs to its debug log, and to a warning of headers it cannot read, with
    # the headers; a query may carry a key.
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    logging.getLogger("urllib3.connection").setLevel(logging.CRITICAL)
    client = _Client()
    client.trust_env = False
    client.headers.update({"Accept": "application/json", "User-Agent": "aiq-pos-integrations"})
    client.mount("http://", adapter)
    client.mount("https://", adapter)
    return client

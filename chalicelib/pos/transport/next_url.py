"""Where a POS says that a listing goes on: on its own host, or nowhere."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit


def path_on_host(next_url: str, base_url: str, path: str) -> str | None:
    """Return the URL to ask next, None where it is on another host than the base URL.

    `next_url`: as the POS wrote it, whole or from the page of `path` on. Scheme and host are those
    of the base URL, whatever it says: behind a proxy a POS may not know them, and a key never
    travels in plain text for that.
    """
    base = urlsplit(base_url)
    try:
        onward = urlsplit(urljoin(base_url + path, next_url))
        is_same = _host(onward) == _host(base) and onward.username is None
    except ValueError:
        return None
    if not is_same or onward.scheme not in ("http", "https"):
        return None
    return base._replace(path=onward.path or "/", query=onward.query).geturl()


def _host(url: SplitResult) -> tuple[str | None, int | None]:
    """The name, in small letters, and the port where it is said and not the scheme's own."""
    usual = {"http": 80, "https": 443}.get(url.scheme)
    return url.hostname, None if url.port == usual else url.port

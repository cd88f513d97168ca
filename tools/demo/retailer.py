"""Act as a retailer over the deployed HTTP API: log in, connect, sync, look."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from tools.stack import LocalStack

Json = dict[str, Any]

LIVE = frozenset(("queued", "running", "waiting"))
PAGE = 200
_ASK_SECONDS = 60
_AT_ONCE = 2
_UNAUTHORIZED = 401


class Refused(Exception):
    """The API said no; `status` and the problem document say why."""

    def __init__(self, method: str, path: str, answer: requests.Response) -> None:
        self.status = answer.status_code
        try:
            self.problem: Json = answer.json()
        except requests.exceptions.JSONDecodeError:
            self.problem = {"detail": answer.text[:200]}
        super().__init__(f"{method} {path}: {self.status} {self.problem.get('detail')}")


class Retailer:
    """A person of an account, logged in with Cognito. `path`s are relative to the account."""

    def __init__(self, stack: LocalStack, email: str, password: str, uid: str = "") -> None:
        self._stack = stack
        self.email = email
        self.password = password
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers["Host"] = stack.host
        self._http.headers["Authorization"] = stack.sign_in(email, password)
        self.uid = uid

    # -- the API -------------------------------------------------------------------------------

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Whatever the API answers; `path` beginning with /api/ is taken as it is."""
        if not path.startswith("/api/"):
            path = f"/api/accounts/{self.uid}{path}"
        options.setdefault("timeout", _ASK_SECONDS)
        answer = self._http.request(method, self._stack.api_url + path, **options)
        if answer.status_code == _UNAUTHORIZED:  # log-ins last an hour
            self._http.headers["Authorization"] = self._stack.sign_in(self.email, self.password)
            answer = self._http.request(method, self._stack.api_url + path, **options)
        return answer

    def call(self, method: str, path: str, body: object = None, **options: Any) -> Json:
        """The JSON of a good answer. Raises Refused."""
        if body is not None:
            options["json"] = body
        answer = self.ask(method, path, **options)
        if not answer.ok:
            raise Refused(method, path, answer)
        found: Json = answer.json() if answer.content else {}
        return found

    def get(self, path: str, **query: object) -> Json:
        return self.call("GET", path, params=query)

    def all(self, path: str, **query: object) -> Iterator[Json]:
        """Every item of a paged list."""
        cursor: Json = {}
        while True:
            page = self.get(path, limit=PAGE, **query, **cursor)
            yield from page["items"]
            if not page["next_cursor"]:
                return
            cursor = {"cursor": page["next_cursor"]}

    def accounts(self) -> list[Json]:
        """The accounts this person may open."""
        found: list[Json] = self.get("/api/me")["accounts"]
        return found

    # -- connecting ----------------------------------------------------------------------------

    def card(self, platform: str = "posabit") -> Json:
        return self.get(f"/integrations/{platform}")

    def add_credential(
        self,
        fields: Mapping[str, str],
        history_from: str | None = None,
        platform: str = "posabit",
        trust: Mapping[str, bool] | None = None,
    ) -> Json:
        """`trust`: what is let pass for the retailer's own server, e.g. {"allow_http": True}."""
        body: Json = {"fields": dict(fields)}
        if trust:
            body["trust"] = dict(trust)
        if history_from:
            body["history_from"] = history_from
        return self.call("POST", f"/integrations/{platform}/credentials", body)

    def tick_age_gate(self, platform: str = "posabit") -> None:
        self.call("PUT", f"/integrations/{platform}/age-gate", {"passed": True})

    def connect(self, platform: str = "posabit") -> None:
        self.call("POST", f"/integrations/{platform}/connect")

    def disconnect(self, platform: str = "posabit") -> None:
        self.call("POST", f"/integrations/{platform}/disconnect")

    # -- syncing -------------------------------------------------------------------------------

    def runs(self, platform: str = "posabit") -> list[Json]:
        """Every run, the newest first."""
        return list(self.all(f"/integrations/{platform}/runs"))

    def run(self, run: str, platform: str = "posabit") -> Json:
        return self.get(f"/integrations/{platform}/runs/{run}")

    def sync_now(self, credential: str, platform: str = "posabit") -> Json:
        return self.call("POST", f"/integrations/{platform}/credentials/{credential}/sync")

    def finish(
        self,
        runs: Sequence[Json],
        *,
        seconds: float,
        show: Callable[[Json], None] | None = None,
        every: float = 0.5,
    ) -> list[Json]:
        """Look at the runs until all have ended; answer them as they ended.

        `seconds`: how long nothing may be heard of them. `show` is given each run each time.
        Raises TimeoutError with the live ones.
        """
        heard: Json = {}
        deadline = 0.0
        while True:
            seen = [self.run(run["id"], run["platform"]) for run in runs]
            if show:
                for run in seen:
                    show(run)
            live = [run for run in seen if run["state"] in LIVE]
            if not live:
                return seen
            now = {run["id"]: (run["state"], run["heartbeat_at"]) for run in seen}
            if now != heard:
                heard, deadline = now, time.monotonic() + seconds
            if time.monotonic() > deadline:
                told = [{k: run[k] for k in ("id", "state", "stream", "hops")} for run in live]
                raise TimeoutError(f"nothing heard for {seconds:.0f} s of {told}")
            time.sleep(every)

    # -- looking -------------------------------------------------------------------------------

    def personas(self, **query: object) -> list[Json]:
        """Every persona, by cursor."""
        return list(self.all("/personas", **query))

    def in_full(self, contact_ids: Sequence[str]) -> list[Json]:
        """Each persona with its source records and, under `all_sales`, every sale."""
        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            return list(pool.map(self._in_full, contact_ids))
        finally:
            pool.shutdown(cancel_futures=True)

    def _in_full(self, contact_id: str) -> Json:
        persona = self.get(f"/personas/{contact_id}")
        sales = list(persona["sales"]["items"])
        if persona["sales"]["next_cursor"]:
            sales = list(self.all(f"/personas/{contact_id}/sales"))
        return persona | {"all_sales": sales}

    def store_keys(self) -> list[Json]:
        found: list[Json] = self.get("/store-keys")["items"]
        return found

    def notifications(self) -> list[Json]:
        found: list[Json] = self.get("/notifications")["items"]
        return found

"""Acts as a retailer over the deployed HTTP API: logs in, connects, syncs, looks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from chalicelib.domain.words import Uid
from tools.stack import LocalStack

Json = dict[str, Any]

LIVE = frozenset(("queued", "running", "waiting"))
PAGE = 200
_ASK_SECONDS = 60
_AT_ONCE = 2
_UNAUTHORIZED = 401


class Refused(Exception):
    """The API refused a call; `status` and the problem document say why."""

    def __init__(self, method: str, path: str, answer: requests.Response) -> None:
        self.status = answer.status_code
        try:
            self.problem: Json = answer.json()
        except requests.exceptions.JSONDecodeError:
            self.problem = {"detail": answer.text[:200]}
        super().__init__(f"{method} {path}: {self.status} {self.problem.get('detail')}")


class Retailer:
    """Acts for a person of an account who logged in with Cognito.

    Paths are relative to the account.
    """

    def __init__(self, stack: LocalStack, email: str, password: str, uid: str = "") -> None:
        self._stack = stack
        self.email = email
        self.password = password
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers["Host"] = stack.host
        self._http.headers["Authorization"] = stack.sign_in(email, password)
        self.uid = Uid(uid)

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """The API's answer, good or bad. A `path` that begins with /api/ is taken as it is."""
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
        content: Json = answer.json() if answer.content else {}
        return content

    def change(self, method: str, path: str, body: object, *, version: object) -> Json:
        """Change something where it still has this version. Raises Refused."""
        return self.call(method, path, body, headers={"If-Match": f'"{version}"'})

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
        accounts: list[Json] = self.get("/api/me")["accounts"]
        return accounts

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
        """Look at the runs until all have ended. Returns them as they ended.

        `seconds`: how long they may stay as they are. `show` is given each run each time. Raises
        TimeoutError with the live ones.
        """
        last: Json = {}
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
            if now != last:
                last, deadline = now, time.monotonic() + seconds
            if time.monotonic() > deadline:
                stuck = [{k: run[k] for k in ("id", "state", "stream", "hops")} for run in live]
                raise TimeoutError(f"nothing heard for {seconds:.0f} s of {stuck}")
            time.sleep(every)

    def decide(self, path: str, changes: Json, *, seconds: float = 120) -> str:
        """Preview a change of the settings at `path`, apply it, and wait for its job.

        Returns the sentence of the preview. Raises TimeoutError.
        """
        version = self.get(path)["version"]
        preview = self.call("POST", f"{path}/preview", changes)
        preview = self._wait(preview, "previews", _is_counted, seconds)
        wanted = {"token": preview["token"], "changes": changes}
        job = self.change("POST", f"{path}/apply", wanted, version=version)
        self._wait(job, "jobs", _is_done, seconds)
        return str(preview["sentence"])

    def _wait(self, item: Json, kind: str, ended: Callable[[Json], bool], seconds: float) -> Json:
        """Read the preview or job again until it has ended. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while not ended(item):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{kind} {item['id']}: {item['state']} after {seconds:.0f} s")
            time.sleep(0.3)
            item = self.get(f"/{kind}/{item['id']}")
        return item

    def run_audiences(self, *, seconds: float = 120) -> Json:
        """Press *Run now*, and wait for the audience run. Raises TimeoutError."""
        run = self.call("POST", "/audience-runs")

        def ended() -> Json | None:
            found = self.get("/audience-runs")["items"]
            return next((r for r in found if r["id"] == run["id"] and r["state"] == "done"), None)

        return self.wait_for(ended, "the audience run", seconds)

    def freeze(
        self, platform: str = "posabit", choice: str = "last", *, seconds: float = 120
    ) -> tuple[Json, Json]:
        """Preview *Use AIQ's last backup*, turn it on, and wait until nothing rolls.

        Returns the preview and how the card then stands. Raises TimeoutError.
        """
        path = f"/integrations/{platform}/freeze"
        preview = self.call("POST", f"{path}/preview", {"choice": choice})
        self.call("POST", path, {"choice": choice, "token": preview["token"]})
        return preview, self._until_still(platform, {"frozen"}, seconds)

    def unfreeze(self, platform: str = "posabit", *, seconds: float = 120) -> list[Json]:
        """Turn it off, wait until nothing rolls, and for the syncs that follow. Returns those."""
        self.call("POST", f"/integrations/{platform}/unfreeze")
        self._until_still(platform, {"connected", "disconnected"}, seconds)
        live = [run for run in self.runs(platform) if run["state"] in LIVE]
        return self.finish(live, seconds=seconds)

    def _until_still(self, platform: str, states: set[str], seconds: float) -> Json:
        def still() -> Json | None:
            card = self.get(f"/integrations/{platform}/freeze")
            rolls = card["rolling_back"] or card["rolling_forward"]
            return card if card["state"] in states and not rolls else None

        return self.wait_for(still, f"{platform} to be {' or '.join(sorted(states))}", seconds)

    def wait_for(self, ask: Callable[[], Json | None], what: str, seconds: float = 120) -> Json:
        """Ask until there is an answer. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while (answer := ask()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}")
            time.sleep(0.3)
        return answer

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
        return list(self.all("/store-keys"))

    def requests(self) -> list[Json]:
        """The requests for SMS consent that were sent or may have been, of yesterday, today and
        tomorrow on the account's calendar, whatever the clock shows here."""
        today = datetime.now(UTC).date()
        days = [(today + timedelta(shift)).isoformat() for shift in (-1, 0, 1)]
        texts = [text for day in days for text in self.all("/texting/texts", day=day)]
        return [text for text in texts if text["kind"] == "request"]

    def sms_requested(self) -> int:
        """Numbers that were asked for SMS consent, or will be when their hours allow it.

        Reads again where a request was sent meanwhile; one that is being sent is still waiting.
        """
        while True:
            waiting: int = self.get("/texting")["waiting"]
            asked = {text["number"] for text in self.requests() if text["state"] != "sending"}
            if self.get("/texting")["waiting"] == waiting:
                return len(asked) + waiting

    def notifications(self) -> list[Json]:
        notifications: list[Json] = self.get("/notifications")["items"]
        return notifications


def _is_counted(preview: Json) -> bool:
    return bool(preview["state"] != "counting")


def _is_done(job: Json) -> bool:
    return job["state"] in ("done", "superseded")

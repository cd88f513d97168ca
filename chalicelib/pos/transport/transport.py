"""The one way to ask a POS something: limits, pace, retries, and errors that say who must act.

Nothing of a body, a header or a query is ever logged or put into an error (practice.md E.1, E.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests
import tenacity
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from chalicelib.domain.errors import (
    AiqError,
    ConfigurationError,
    KeyRejected,
    PermissionMissing,
    RateLimited,
    RecordNotFound,
    ServerUnreachable,
    UnexpectedAnswer,
    UpstreamError,
)
from chalicelib.domain.words import Instant
from chalicelib.pos.profile.wire import AnswerRule, RateLimit
from chalicelib.pos.transport import answers
from chalicelib.pos.transport.answer_rules import AnswerRules, LastingFault, NotOffered
from chalicelib.pos.transport.client import client_over
from chalicelib.pos.transport.next_url import path_on_host
from chalicelib.pos.transport.own_server import GREETING_SECONDS, OwnServer
from chalicelib.pos.transport.permitted import PermittedAdapter
from chalicelib.pos.transport.redaction import Redactor
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.pos import Permit

CONNECT_SECONDS = 3.0
READ_SECONDS = 20.0
ANSWER_SECONDS = 30.0
"""From the first byte asked for to the last one read: a server that drips is a slow server."""
TRIES = 3
TRIES_TO_CONNECT = 2
DEAD_AFTER_SECONDS = 4.0
"""A host that took this long to refuse has several addresses; asking again would cost > 8 s."""
LONGEST_PAUSE = 2.0
"""A longer wait that the POS asks for is no worker's to sleep through."""
REFUSALS = (requests.codes.bad_request, requests.codes.conflict, requests.codes.unprocessable)
BACK_OFF = tenacity.wait_exponential_jitter(multiplier=0.4, max=4.0, jitter=0.4)

T = TypeVar("T")


def _never(_status: int) -> bool:
    return False


class PlaceForgotten(UnexpectedAnswer):
    """The POS no longer knows where its listing goes on; it begins again instead."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message, status=status)
        self.status = status


class TooSlow(UpstreamError):
    """The answer did not come in time; it is not asked for again at once, to spare the server."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `resource` is what a person calls it; `permission` is named when it lacks.

    `params`, `headers`, `body` and `form` may carry the key and are shown nowhere.
    """

    resource: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    permission: str | None = None
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    """Sent as JSON."""
    form: Mapping[str, str] | None = field(default=None, repr=False)
    read_refusal: Callable[[str], AiqError] | None = field(default=None, repr=False)
    """Makes an error of the text of a refusal (400, 409, 422), lower-cased."""
    method: str = ""
    """Empty: POST where there is a body or a form, else GET."""
    base_url: str | None = None
    """Of another host than the transport's, which the profile names too."""
    next_url: str | None = field(default=None, repr=False)
    """Where the POS says that a listing goes on, in place of the path; on its own host alone."""
    sign: Callable[[requests.PreparedRequest], requests.PreparedRequest] | None = None
    is_forgotten: Callable[[int], bool] = _never
    """Whether a status means that the listing has to begin again: it is not asked for again."""
    is_secret: bool = False
    """Whether the answer is a secret, which is read as it came."""

    @property
    def verb(self) -> str:
        return self.method or ("GET" if self.body is None and self.form is None else "POST")


class Transport:
    """One credential's connection. Counts `requests` and, among them, `retries`.

    `deadline` (of the clock's `monotonic`) cuts waiting short; past it nothing is asked any more.
    `own_server`: the guarded way to a host that a retailer typed; `adapter`: to one of which they
    typed a part. `permit`: asked before every request, and before an answer is used.
    """

    def __init__(
        self,
        clock: Clock,
        base_url: str,
        *,
        title: str,
        permit: Permit,
        gap_seconds: float = 0.0,
        secrets: Iterable[str] = (),
        own_server: OwnServer | None = None,
        adapter: HTTPAdapter | None = None,
    ) -> None:
        self._clock = clock
        self.base_url = base_url.rstrip("/")
        self._title = title
        self._gap = gap_seconds
        self._secrets = list(secrets)
        self._redact = Redactor(self._secrets)
        self._free_at: float | None = None
        self._is_limited = False
        self._own_server = own_server
        self._permit = permit
        self._http = client_over(own_server or adapter or PermittedAdapter(permit))
        self.deadline: float | None = None
        self.headers: Mapping[str, str] = {}
        """Of the answer that is being read, without secrets."""
        self.parse: Callable[[bytes, str], Any] = answers.parse_json
        self.rules = AnswerRules(title=title)
        self.rate_limit = RateLimit()
        self.requests = 0
        self.retries = 0

    def get(self, call: Call, read: Callable[[Any], T]) -> T:
        """Ask, parse, and let `read` make something of the body; what `read` raises is retried.

        At most 2 more tries for a 5xx, a lost connection, a cut body, a web page or a body that
        `read` refuses; 1 more for a host that cannot be reached.

        Raises CallsStopped, KeyRejected (401), PermissionMissing (403), RecordNotFound (404),
        RateLimited (429 or a 503 that says how long, without waiting), ServerUnreachable,
        UpstreamError, UnexpectedAnswer, FilterIgnored.
        """
        started = self._clock.monotonic()

        def once() -> T:
            return read(self._ask(call))

        def give_up(state: tenacity.RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            now = self._clock.monotonic()
            if isinstance(error, ServerUnreachable) and now - started > DEAD_AFTER_SECONDS:
                return True
            if self.deadline is not None and now + state.upcoming_sleep >= self.deadline:
                return True
            return state.attempt_number >= _most_tries(error)

        def count(_state: tenacity.RetryCallState) -> None:
            self.retries += 1

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: _most_tries(error) > 1),
            stop=give_up,
            wait=BACK_OFF,
            sleep=self._clock.sleep,
            before_sleep=count,
            reraise=True,
        )
        return retrying(once)

    def post(self, call: Call, read: Callable[[Any], T]) -> T:
        """Send the call once and let `read` make something of the answer.

        Whether the POS did it is known only by an answer, by RateLimited, KeyRejected,
        PermissionMissing, RecordNotFound, and what `call.read_refusal` returns. Whatever else `get`
        raises may be raised here after the POS has done it.
        """
        return read(self._ask(call))

    def now(self) -> Instant:
        return self._clock.now()

    def hide(self, *secrets: str) -> None:
        """Hide these secrets, too, from now on: a token is one as much as the key it is for."""
        if new := [secret for secret in secrets if secret not in self._secrets]:
            self._secrets += new
            self._redact = Redactor(self._secrets)

    def close(self) -> None:
        self._http.close()

    def _ask(self, call: Call) -> Any:
        self._wait_for_turn()
        self._permit()
        self.requests += 1
        limits: Mapping[str, str] = {}
        try:
            with self._send(call) as response:
                limits = response.headers
                return self._body(call, response)
        finally:
            self._free_at = self._clock.monotonic() + self._gap
            self._note_limit(limits)
            # Whatever a POS answers after its source was frozen is thrown away, errors too.
            self._permit()

    def _wait_for_turn(self) -> None:
        """Sleep through a short pause. Raises RateLimited, and asks nothing, where the POS said
        that none of its requests is left for longer."""
        if self._free_at is None:
            return
        wait = self._free_at - self._clock.monotonic()
        if self._is_limited and wait > LONGEST_PAUSE:
            raise RateLimited(f"{self._title} asks us to wait.", retry_after=wait)
        if wait > 0:
            self._clock.sleep(wait)

    def _note_limit(self, headers: Mapping[str, str]) -> None:
        """Ask no more until there is a request left again, where an answer says that none is."""
        self._is_limited = answers.has_none_left(headers, self.rate_limit)
        if self._is_limited:
            wait = answers.seconds_to_wait(headers, self.rate_limit, self._clock.now()) or 0.0
            self._free_at = self._clock.monotonic() + max(wait, self._gap)

    def _time_left(self, at_most: float) -> float:
        if self.deadline is None:
            return at_most
        left = self.deadline - self._clock.monotonic()
        if left <= 0:
            raise TooSlow(f"{self._title} did not answer in time.")
        return min(at_most, left)

    def _send(self, call: Call) -> requests.Response:
        if self._own_server:
            self._own_server.greet(self._time_left(GREETING_SECONDS))
        timeout = urllib3.Timeout(
            total=self._time_left(CONNECT_SECONDS + READ_SECONDS),
            connect=CONNECT_SECONDS,
            read=READ_SECONDS,
        )
        try:
            return self._http.request(
                call.verb,
                self._url(call),
                params=call.params,
                json=call.body,
                data=call.form,
                headers=call.headers,
                auth=call.sign,
                timeout=timeout,  # type: ignore[arg-type]  # the stubs know numbers alone
                allow_redirects=False,
                stream=True,
            )
        except requests.exceptions.ReadTimeout:
            error = self._time_out_error(call)
        except requests.exceptions.ConnectionError as lost:
            error = self._connection_error(call, lost)
        except (requests.exceptions.RequestException, UnicodeError) as odd:
            error = self._request_error(call, odd)
        raise error

    def _url(self, call: Call) -> str:
        """Return where to send a call. Raises UnexpectedAnswer for a next URL on another host."""
        base = self.base_url if call.base_url is None else call.base_url.rstrip("/")
        if call.next_url is None:
            return base + call.path
        if (onward := path_on_host(call.next_url, base, call.path)) is None:
            raise UnexpectedAnswer(self._message("names another server for the next page", call))
        return onward

    def _time_out_error(self, call: Call) -> AiqError:
        """A server in a retailer's back office that takes a connection and says nothing is theirs
        to look at, like one that is off."""
        if self._own_server:
            return ServerUnreachable(f"The server of {self._title} does not answer.")
        return TooSlow(self._message("took too long to answer", call))

    def _connection_error(self, call: Call, lost: requests.exceptions.ConnectionError) -> AiqError:
        """A connection that never was is the retailer's matter, one that broke is the POS's."""
        cause = lost.args[0] if lost.args else None
        if isinstance(cause, urllib3.exceptions.ProtocolError):
            return UpstreamError(self._message("closed the connection without an answer", call))
        return ServerUnreachable(f"The server of {self._title} cannot be reached.")

    def _request_error(self, call: Call, odd: Exception) -> AiqError:
        """Headers of an answer that contradict themselves are the POS's, whatever else is ours to
        ask with the retailer's."""
        if odd.args and isinstance(odd.args[0], urllib3.exceptions.HTTPError):
            return UnexpectedAnswer(self._message("sent headers that cannot be read", call))
        return ConfigurationError(self._message("cannot be asked at this address or key", call))

    def _body(self, call: Call, response: requests.Response) -> Any:
        status = response.status_code
        if status != requests.codes.ok and not (
            call.verb == "POST" and status == requests.codes.created
        ):
            if call.read_refusal and status in REFUSALS:
                raise call.read_refusal(self._beginning(response).decode(errors="replace").lower())
            if rule := self.rules.of_status(status, lambda: self._beginning(response)):
                raise self._rule_error(rule, call, response)
            raise self._status_error(call, response)
        within = self._time_left(ANSWER_SECONDS)
        ends = self._clock.monotonic() + within
        try:
            with answers.cut_after(within, response.raw.shutdown):
                body = answers.read_body(response.raw, lambda: self._clock.monotonic() < ends)
            told = {name: self._redact(value) for name, value in response.headers.items()}
            self.headers = CaseInsensitiveDict(told)
            if not call.is_secret:
                body = self._redact.in_data(body)  # a POS may echo its key, as the name of a store
            data, rule = None, self.rules.of_text(body)
            if rule is None:
                data = self.parse(body, response.headers.get("Content-Type", ""))
                rule = self.rules.of_data(data)
        except answers.SlowAnswer:
            error: AiqError = TooSlow(self._message("took too long to answer", call))
        except answers.UnreadableAnswer as unreadable:
            error = UnexpectedAnswer(self._message(str(unreadable), call))
        else:
            if rule is None:
                return data
            error = self._rule_error(rule, call, response)
        raise error

    def _status_error(self, call: Call, response: requests.Response) -> AiqError:
        """The error that a status other than 200 means."""
        status, headers = response.status_code, response.headers
        if status == requests.codes.unauthorized:
            return KeyRejected(f"{self._title} rejected the key.")
        if status == requests.codes.forbidden and self._is_of_the_pos(response):
            lacking = [call.permission] if call.permission else []
            named = f": {call.permission}" if call.permission else ""
            message = f"The key lacks a permission for {call.resource}{named}."
            return PermissionMissing(self._redact(message), permissions=lacking)
        if status == requests.codes.not_found:
            return RecordNotFound(self._message("does not know this", call))
        wait = answers.seconds_to_wait(headers, self.rate_limit, self._clock.now())
        is_told_to_wait = status == requests.codes.service_unavailable and wait is not None
        if status == requests.codes.too_many_requests or is_told_to_wait:
            return RateLimited(f"{self._title} asks us to wait.", retry_after=wait)
        if status >= requests.codes.server_error:
            return UpstreamError(self._message(f"failed with status {status}", call), status=status)
        message = self._message(f"answered with status {status}", call)
        kind = PlaceForgotten if call.is_forgotten(status) else UnexpectedAnswer
        return kind(message, status=status)

    def _rule_error(self, rule: AnswerRule, call: Call, response: requests.Response) -> AiqError:
        wait = answers.seconds_to_wait(response.headers, self.rate_limit, self._clock.now())
        return self.rules.error(rule, call.permission, wait)

    def _beginning(self, response: requests.Response) -> bytes:
        """The beginning of what a refusal says, for its words to be recognised; it is kept and
        shown nowhere."""
        try:
            with answers.cut_after(self._time_left(ANSWER_SECONDS), response.raw.shutdown):
                said = response.raw.read1(answers.CHUNK, decode_content=True)
        except (answers.SlowAnswer, OSError, urllib3.exceptions.HTTPError):
            return b""
        return bytes(said)

    def _is_of_the_pos(self, response: requests.Response) -> bool:
        """Whether an answer is the POS's own, and not the page of something in between."""
        if not answers.is_called_web_page(response.headers.get("Content-Type", "")):
            return True
        try:
            with answers.cut_after(self._time_left(ANSWER_SECONDS), response.raw.shutdown):
                return answers.begins_with_data(response.raw)
        except answers.SlowAnswer:
            return False

    def _message(self, what: str, call: Call) -> str:
        return self._redact(f"{self._title} {what} ({call.resource}).")


_NOT_AGAIN = RateLimited, RecordNotFound, NotOffered, LastingFault, TooSlow, PlaceForgotten


def _most_tries(error: BaseException | None) -> int:
    """Return how often to ask in all when a try ends with this error."""
    if isinstance(error, ServerUnreachable):
        return TRIES_TO_CONNECT if error.retriable else 1
    if isinstance(error, _NOT_AGAIN):
        return 1
    return TRIES if isinstance(error, UpstreamError) else 1

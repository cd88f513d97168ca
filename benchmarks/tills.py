"""What tills call beside a first load: signup, wallet, redemption and refund.

The product's services do it on the tables in memory. Their key, what PynamoDB keeps for them, and
the line among the key's last calls are calls here that take their time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from secrets import token_hex
from typing import Any

from benchmarks.account import PLATFORM, UID, bench_account
from benchmarks.growth import TABLE, shopper
from benchmarks.slow_dynamo import MODEL_CALL, SentEffects, SlowAccount, SlowDynamo
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.commit_locks import CommitLocks
from chalicelib.adapters.dynamo.facts import DynamoFacts
from chalicelib.domain.discounts import Discount
from chalicelib.domain.redemptions import Redemption
from chalicelib.domain.words import POINT, Uid
from chalicelib.entrypoints.wiring import typed_contacts
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.derivation.holder import PersonaLookup
from chalicelib.services.ports.accounts import Account
from chalicelib.services.ports.common import Clock, do_nothing
from chalicelib.services.ports.signups import SignUp
from chalicelib.services.rewards.redeem import Redeemer, Till
from chalicelib.services.rewards.tokens import WalletTokens
from chalicelib.services.rewards.wallet import Wallets
from chalicelib.services.signups.sign_up import SignUpService

SIGNUP, WALLET, REDEMPTION, REFUND = KINDS = ("signup", "wallet", "redemption", "refund")
REGULARS, NEWCOMERS = range(6_000_000, 6_000_100), 7_000_000
"""Numbers of shoppers: members with points, who come again and again, and those who sign up."""
MANY_POINTS = 1_000_000 * POINT
DISCOUNT = Discount(UID, "dsc_bench", "Ten off", 100 * POINT, amount_off=1_000)
ACTOR = "key:bench"


class TillServices:
    """The services of one process of the API, as the wiring builds them."""

    def __init__(self, dynamo: SlowDynamo, account: SlowAccount, clock: Clock) -> None:
        table = BatchTable(dynamo, TABLE, clock)
        facts = DynamoFacts(table, CommitLocks(table, clock))
        terms = account.terms(clock)
        lookup = PersonaLookup(facts, terms)
        ports: Any = _Ports(dynamo)
        tokens = WalletTokens(ports, partial(token_hex, 8))
        discounts: Any = _Discounts(dynamo)
        self.commits = FactCommits(facts, terms, SentEffects(dynamo))
        self.signups = SignUpService(
            facts,
            self.commits,
            ports,
            ports,
            ports,
            ports,
            clock,
            typed_contacts.read_typed_phone,
            typed_contacts.read_typed_email,
        )
        self.wallets = Wallets(
            facts=facts,
            lookup=lookup,
            commits=self.commits,
            accounts=_Accounts(dynamo),  # type: ignore[arg-type]
            stores=ports,
            discounts=discounts,
            tokens=tokens,
            read_phone=typed_contacts.read_phone,
            read_email=typed_contacts.read_contact,
            clock=clock,
        )
        self.redeemer = Redeemer(self.commits, lookup, discounts, ports, tokens, clock)
        self._dynamo = dynamo

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Read the key and count the call before it; note what became of it."""
        self._dynamo.call("batch_get_item", do_nothing, 2)
        self._dynamo.call(MODEL_CALL, do_nothing)
        yield
        self._dynamo.call(MODEL_CALL, do_nothing)


class Tills:
    """What all tills call in turns. A redemption takes what a wallet showed, a refund gives back
    what was redeemed; as long as there is none, a wallet is shown."""

    def __init__(self) -> None:
        self._shown: deque[str] = deque()
        self._redeemed: deque[Redemption] = deque()

    def prepare(self, services: TillServices) -> None:
        """Make the regulars members with points."""
        for number in REGULARS:
            done = services.signups.sign_up(UID, _signup(number))
            services.commits.adjust(
                UID, done.record, f"adj-{number}", MANY_POINTS, note="gift", actor="user"
            )

    def visit(self, number: int) -> tuple[str, Callable[[TillServices], None]]:
        """Return the kind of the next call, and what does it."""
        kind = KINDS[number % len(KINDS)]
        if kind == SIGNUP:
            return kind, partial(self._sign_up, NEWCOMERS + number)
        if kind == REDEMPTION and self._shown:
            return kind, partial(self._redeem, self._shown.popleft(), f"R-{number}")
        if kind == REFUND and self._redeemed:
            return kind, partial(self._refund, self._redeemed.popleft())
        return WALLET, partial(self._show_wallet, REGULARS[number % len(REGULARS)])

    def _sign_up(self, number: int, services: TillServices) -> None:
        with services.admitted():
            services.signups.sign_up(UID, _signup(number))

    def _show_wallet(self, number: int, services: TillServices) -> None:
        with services.admitted():
            view = services.wallets.open(UID, phone=shopper(number).phone_raw)
        self._shown.append(str(view.offers[0].token))

    def _redeem(self, token: str, order: str, services: TillServices) -> None:
        with services.admitted():
            till = Till(ACTOR, order=order)
            done = services.redeemer.by_token(UID, DISCOUNT.id, token, till)
        self._redeemed.append(done)

    def _refund(self, done: Redemption, services: TillServices) -> None:
        with services.admitted():
            services.redeemer.refund(UID, done.contact, done.discount, done.id, ACTOR)


def _signup(number: int) -> SignUp:
    told = shopper(number)
    return SignUp(
        platform=PLATFORM,
        actor=ACTOR,
        phone=told.phone_raw or "",
        email=told.email_raw or "",
        first=told.first or "",
        last=told.last or "",
        sms=True,
        emails=True,
        captures_consent=True,
    )


class _Ports:
    """What the services ask beside the personas table. The store is not said, no signature is
    drawn, and the process remembers the key that signs."""

    def __init__(self, dynamo: SlowDynamo) -> None:
        self._dynamo = dynamo

    def get(self, uid: Uid) -> bytes:
        """The `SigningKeys` port."""
        return uid.encode()

    def send(self, body: object) -> None:  # noqa: ARG002
        """The `JobQueue` port: one message."""
        self._dynamo.call(MODEL_CALL, do_nothing)


class _Accounts:
    """The `Accounts` port."""

    def __init__(self, dynamo: SlowDynamo) -> None:
        self._dynamo = dynamo

    def get(self, uid: Uid) -> Account:  # noqa: ARG002
        return self._dynamo.call(MODEL_CALL, lambda: bench_account("America/Los_Angeles", 0))


class _Discounts:
    """The `Discounts` port."""

    def __init__(self, dynamo: SlowDynamo) -> None:
        self._dynamo = dynamo

    def get(self, uid: Uid, discount: str) -> Discount:  # noqa: ARG002
        return self._dynamo.call(MODEL_CALL, lambda: DISCOUNT)

    def for_account(self, uid: Uid) -> list[Discount]:  # noqa: ARG002
        return self._dynamo.call(MODEL_CALL, lambda: [DISCOUNT])

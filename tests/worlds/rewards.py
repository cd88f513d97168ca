"""A shop with discounts: wallets, tills that redeem, and refunds, on fakes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from chalicelib.domain.discounts import Discount
from chalicelib.domain.redemptions import Redemption
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.words import POINT, Uid
from chalicelib.services.job_messages.text_jobs import DiscountsMessage
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.effects import CommitEffects
from chalicelib.services.ports.stores import Store
from chalicelib.services.rewards.counter import Counter
from chalicelib.services.rewards.discounts import DiscountService
from chalicelib.services.rewards.pins import PinService
from chalicelib.services.rewards.recognise import Recogniser
from chalicelib.services.rewards.redeem import Redeemer, Till
from chalicelib.services.rewards.tokens import WalletTokens
from chalicelib.services.rewards.wallet import Wallets, WalletView
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.changes import MemoryAdjustments
from tests.fakes.common import FakeIds, MemoryQueue
from tests.fakes.notifications import MemoryAudit, MemoryNotifications, OperatorMailbox
from tests.fakes.pos import FakePosGateway, a_platform
from tests.fakes.rewards import MemoryDiscounts, MemoryNamesSeen, MemoryPins, MemorySigningKeys
from tests.fakes.texting import FakeSwitch, MemoryTextingSettings, MemoryTexts
from tests.worlds.shop import ANA, UID, Shop

TILL = "key:till"
PLATFORMS = (a_platform(discounts="checkout"), a_platform("thsuite", discounts="sales"))


class HeardEffects:
    """Passes effects on, and keeps what is said of discounts in sales for the worker."""

    def __init__(self, usual: Any) -> None:
        self.usual = usual
        self.messages: list[DiscountsMessage] = []

    def request(self, uid: str, effects: CommitEffects, *, after_seconds: int = 0) -> None:
        rest = replace(effects, sales=(), names=())
        self.usual.request(uid, rest, after_seconds=after_seconds)
        if effects.sales or effects.names:
            self.messages.append(DiscountsMessage(Uid(uid), effects.sales, effects.names))


@dataclass
class RewardedShop(Shop):
    """Ana is a member; `ten` costs 100 points for $10, `gift` 50 points and only once."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.commits.discount_use = {i.platform: i.discounts for i in PLATFORMS}.__getitem__
        self.commits.effects = self.told = HeardEffects(self.commits.effects)
        self.tell(ANA)
        self.form()
        nonces = count(1)
        self.discounts, self.audit = MemoryDiscounts(), MemoryAudit()
        self.list_jobs = MemoryQueue()
        self.facts.count_redeemed = self.discounts.count
        self.names = MemoryNamesSeen()
        accounts = self.accounts = MemoryAccounts(an_account(UID))
        tokens = WalletTokens(MemorySigningKeys(), lambda: f"{next(nonces):016x}")
        self.discount_service = DiscountService(
            self.discounts,
            self.stores,
            self.audit,
            self.names,
            FakePosGateway(infos=PLATFORMS),
            FakeIds(),
            self.clock,
            self.list_jobs,
        )
        self.wallets = Wallets(
            facts=self.facts,
            lookup=self.lookup,
            commits=self.commits,
            accounts=accounts,
            stores=self.stores,
            discounts=self.discounts,
            tokens=tokens,
            read_phone=lambda typed: typed if typed.startswith("+") else None,
            read_email=lambda typed: typed.lower() if "@" in typed else None,
            clock=self.clock,
        )
        self.redeemer = Redeemer(
            self.commits, self.lookup, self.discounts, self.stores, tokens, self.clock
        )
        self.texting, self.queue, self.log = MemoryTextingSettings(), MemoryQueue(), MemoryTexts()
        self.texting.assign("+12065559999", UID)
        self.texting.save(UID, TextingRules(), replace(TextingRules(), number="+12065559999"))
        self.switch, self.notified = FakeSwitch(), MemoryNotifications()
        self.pins = PinService(
            wallets=self.wallets,
            pins=MemoryPins(),
            signing_keys=MemorySigningKeys(),
            settings=self.texting,
            contact_states=self.log,
            switch=self.switch,
            accounts=self.accounts,
            queue=self.queue,
            notifier=Notifier(self.notified, OperatorMailbox(), self.clock),
            ids=FakeIds(),
            clock=self.clock,
            draw=lambda below: below // 3,
            mobile=lambda number: number.startswith("+1206"),
            sends_mail=True,
        )
        self.counter = Counter(
            wallets=self.wallets,
            redeemer=self.redeemer,
            pins=self.pins,
            discounts=self.discounts,
            stores=self.stores,
            accounts=accounts,
            adjustments=MemoryAdjustments(),
            facts=self.facts,
            audit=self.audit,
            clock=self.clock,
        )
        self.recogniser = Recogniser(self.facts, self.commits, self.discounts, self.names)
        self.ten = self.discount("Ten off", 100, amount_off=1_000)
        self.gift = self.discount("Gift", 50, amount_off=500, reusable=False)

    def discount(self, name: str, points: float, **fields: Any) -> Discount:
        wanted = {"name": name, "price": round(points * POINT), **fields}
        return self.discount_service.create(Uid(UID), wanted, actor="user:ann")

    def edit(self, discount: Discount, **changes: Any) -> Discount:
        stored = self.discounts.rows[UID, discount.id]
        return self.discounts.save(replace(stored, **changes))

    def store(self, name: str, zone: str | None = None) -> int:
        made = Store(UID, 0, name, time_zone=zone)
        return self.stores.create(made).id

    def give(self, points: float, key: str = "given", of: str = "1") -> None:
        self.commits.adjust(
            Uid(UID), self.rid(of), f"adj_{key}", round(points * POINT), note="-", actor="user:ann"
        )

    def wallet(self, phone: str = "+12065550001", **asked: Any) -> WalletView:
        return self.wallets.open(Uid(UID), phone=phone, **asked)

    def url(self, discount: Discount, phone: str = "+12065550001") -> str:
        """The token of a redemption URL in a fresh wallet."""
        offers = self.wallet(phone).offers
        return next(str(each.token) for each in offers if each.discount.id == discount.id)

    def redeem(self, discount: Discount, url: str | None = None, **order: Any) -> Redemption:
        text = self.url(discount) if url is None else url
        till = Till(TILL, **order)
        return self.redeemer.by_token(Uid(UID), discount.id, text, till)

    def recognise(self) -> int:
        """Let the worker have all that commits said of discounts, each message twice."""
        done, told = 0, self.told.messages
        while told:
            message = told.pop(0)
            done += self.recogniser.handle(message)
            assert self.recogniser.handle(message) == 0
        return done

    def refund(self, done: Redemption, contact: str | None = None) -> Redemption:
        who = self.rid() if contact is None else contact
        return self.redeemer.refund(Uid(UID), who, done.discount, done.id, TILL)

    def ledger_sum(self, *records: str) -> float:
        """What all entries of these records come to, sales' entries too."""
        total = 0
        for rid in records or (self.rid(),):
            for row in self.facts.ledger(UID, rid).values():
                total += sum(posting.amount for posting in row.postings)
            for held in self.facts.pointers(UID, rid).values():
                total += sum(posting.amount for posting in held)
        return total / POINT

"""One account's signups on fakes: sign up, look at the persona, read what was said of consent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.words import Platform
from chalicelib.pos.rows.contacts import email, phone
from chalicelib.services.job_messages.text_jobs import StatedConsentMessage, text_job
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.signups import SignedUp, SignUp
from chalicelib.services.signups.sign_up import SignUpService
from chalicelib.services.signups.signatures import SignatureStore
from tests.fakes.audiences import MemoryObjects
from tests.fakes.common import MemoryQueue
from tests.fakes.notifications import MemoryNotifications, OperatorMailbox
from tests.worlds.shop import UID, Shop

P1, P2 = "+12065550101", "+12065550102"
E1, E2 = "ana@example.com", "other@example.com"
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


@dataclass
class Tills:
    """A shop with tills that sign shoppers up. `platform`: of their key; `box`: its box of signed
    consent."""

    platform: str = "posabit"
    box: bool = True
    shop: Shop = field(default_factory=Shop)

    def __post_init__(self) -> None:
        self.texts, self.objects = MemoryQueue(), MemoryObjects()
        self.notifications = MemoryNotifications()
        notifier = Notifier(self.notifications, OperatorMailbox(), self.shop.clock)
        self.service = SignUpService(
            self.shop.facts,
            self.shop.commits,
            self.shop.stores,
            self.texts,
            SignatureStore(self.objects),
            notifier,
            self.shop.clock,
            lambda typed: phone(typed, "US"),
            lambda typed: email(typed, frozenset()),
        )

    def sign_up(self, phone: str = "", **told: Any) -> SignedUp:
        named: dict[str, Any] = {
            "platform": Platform(self.platform),
            "captures_consent": self.box,
            "actor": "key:k",
            "phone": phone,
            **told,
        }
        return self.service.sign_up(UID, SignUp(**named))

    def said(self) -> list[StatedConsentMessage]:
        """What was sent of consent since this was asked last."""
        messages = [text_job(body) for body in self.texts.take()]
        return [message for message in messages if isinstance(message, StatedConsentMessage)]

"""The public signup form of an account: what it shows, and what becomes of what is typed
(product.md §11, partner-api.md S4, S17, S28)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from chalicelib.domain.errors import NotFound, TooManyRequests
from chalicelib.domain.shown_text import has_hidden
from chalicelib.domain.times import HOUR, local_day_number, may_be_younger
from chalicelib.domain.words import Channel, Instant, Uid
from chalicelib.services.consent.circumstances import with_brand
from chalicelib.services.ports.accounts import Account, Accounts
from chalicelib.services.ports.common import Clock, Ids, SecretBox
from chalicelib.services.ports.join_form import Proofs
from chalicelib.services.ports.limits import Throttle
from chalicelib.services.ports.signups import ReadContact, SignUp, SignUps
from chalicelib.services.ports.stores import Store, Stores
from chalicelib.services.ports.texting import TextingSettings
from chalicelib.services.signups.reading import read_birth_date
from chalicelib.services.signups.signatures import is_picture_or_link, typed_name

PROOF_LIVES = 2 * HOUR
AN_HOUR_SECONDS = 3600
FORMS_PER_ADDRESS = 60
FORMS_PER_ACCOUNT = 1200
PAGES_PER_ADDRESS = 400
"""An hour. A tablet on the counter has one address; a form takes a page, its thanks, and a page
more for each time that something is to be mended."""
REQUESTS_PER_ADDRESS, REQUESTS_PER_NUMBER = 5, 1
"""Texts that ask for consent, an hour (product.md §9); more forms are taken and ask nobody."""
LONGEST_NAME, LONGEST_PROOF = 100, 2_000

PAGE_TOO_OLD = "This page was open for a long time. Please press Join once more."
CONSENT = (
    "I agree to receive recurring marketing messages from {brand}, by text at the phone number and"
    " by e-mail at the address that I give here. Consent is not a condition of purchase. Message"
    " and data rates may apply; message frequency varies. Reply STOP to a text to opt out, HELP for"
    " help."
)
NO_ACCOUNT = "There is nothing here."
OF_NO_ACCOUNT = Uid("0")
"""Counts what is asked of all accounts, those that there are not included."""


@dataclass(frozen=True, slots=True)
class TypedForm:
    """What somebody typed, each text as it came. `trap`: what only a machine fills in."""

    proof: str = ""
    trap: str = ""
    first: str = ""
    last: str = ""
    phone: str = ""
    email: str = ""
    birth_date: str = ""
    store: str = ""
    consent: bool = False
    signature: str = field(default="", repr=False)
    signed_name: str = ""


@dataclass(frozen=True, slots=True)
class FormPage:
    """What the page shows. `wording`: of the consent. `proof`: that this page was served."""

    uid: Uid
    brand: str
    minimum_age: int
    wording: str
    stores: tuple[Store, ...]
    proof: str


class Fault(NamedTuple):
    """What is wrong with a field, in a sentence for the person; "" of the form as a whole."""

    field: str
    message: str


class FormRefused(Exception):
    """Nothing was stored. The page is shown again with what is to be mended."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("the form was not taken")
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinForm:
    """Shows the form and takes it."""

    accounts: Accounts
    stores: Stores
    settings: TextingSettings
    signups: SignUps
    proofs: Proofs
    throttle: Throttle
    box: SecretBox
    ids: Ids
    clock: Clock
    phone: ReadContact
    email: ReadContact

    def open(self, uid: Uid, address: str) -> FormPage:
        """`page`, counted against who asks. Raises NotFound, TooManyRequests."""
        what = f"page:{_digest(OF_NO_ACCOUNT, address)}"
        self._take(OF_NO_ACCOUNT, what, PAGES_PER_ADDRESS)
        return self.page(uid)

    def page(self, uid: Uid) -> FormPage:
        """Return what the page shows, with a new proof. Raises NotFound."""
        account = self._account(uid)
        brand = with_brand(self.settings.get(uid), account).brand
        issued = f"{self.clock.now()} {self.ids.new('form')}"
        sealed = self.box.seal(issued, _context(uid))
        return FormPage(
            uid=uid,
            brand=brand,
            minimum_age=account.minimum_age,
            wording=CONSENT.format(brand=brand),
            stores=tuple(self.stores.for_account(uid)),
            proof=base64.urlsafe_b64encode(sealed).decode(),
        )

    def take(self, uid: Uid, typed: TypedForm, address: str) -> None:
        """Sign the shopper up. The same form again changes nothing.

        Raises NotFound, FormRefused, TooManyRequests, CommitBusy.
        """
        account = self._account(uid)
        stores = self.stores.for_account(uid)
        phone, email = self.phone(typed.phone.strip())[0], self.email(typed.email.strip())[0]
        faults = [
            *_contact_faults(typed, phone, email),
            *_text_faults(typed),
            *self._age_faults(account, typed, stores),
            *_signature_faults(typed),
        ]
        if typed.trap.strip():
            faults.append(
                Fault(
                    "",
                    "Please press Join once more: a field that you cannot see was"
                    " filled in by your browser, and is empty now.",
                )
            )
        contact = phone or email
        if faults or contact is None:
            raise FormRefused(tuple(faults))
        self._take(uid, f"form:{_digest(uid, address)}", FORMS_PER_ADDRESS)
        issued = self._issued(uid, typed.proof)
        if issued is None:
            raise FormRefused((Fault("", PAGE_TOO_OLD),))
        self._take(uid, "form", FORMS_PER_ACCOUNT)
        if not self.proofs.bind(uid, issued[0], _digest(uid, contact), issued[1] + PROOF_LIVES):
            raise FormRefused((Fault("", PAGE_TOO_OLD),))
        # A form without a signature asks for consent by text, and counts against that limit.
        is_signed = typed_name(typed.signed_name) or is_picture_or_link(typed.signature)
        may_ask = bool(is_signed) or phone is None or self._may_ask(uid, phone, address)
        self._sign_up(uid, account, typed, issued[0], claimed=bool(phone), may_ask=may_ask)

    def _sign_up(
        self,
        uid: Uid,
        account: Account,
        typed: TypedForm,
        form: str,
        *,
        claimed: bool,
        may_ask: bool,
    ) -> None:
        """Sign the shopper up. Of a public form the phone, else the e-mail, merges; the other is
        claimed (S4)."""
        brand = with_brand(self.settings.get(uid), account).brand
        others: frozenset[Channel] = frozenset({"email"} if claimed and typed.email.strip() else ())
        signup = SignUp(
            source="form",
            actor="shopper",
            phone=typed.phone,
            email=typed.email,
            first=typed.first,
            last=typed.last,
            birth_date=typed.birth_date,
            store=typed.store,
            sms=typed.consent or None,
            emails=typed.consent or None,
            may_ask=may_ask,
            signature=typed.signature if typed.consent else "",
            signed_name=typed.signed_name if typed.consent else "",
            wording=CONSENT.format(brand=brand),
            claimed=others,
            id=form,
        )
        self.signups.sign_up(uid, signup)

    def _account(self, uid: Uid) -> Account:
        if not (uid.isascii() and uid.isdigit()):
            raise NotFound(NO_ACCOUNT)
        return self.accounts.get(uid)

    def _age_faults(self, account: Account, typed: TypedForm, stores: list[Store]) -> list[Fault]:
        """The age counts by the day at the chosen store, else at the account."""
        if not account.minimum_age:
            return []
        born = read_birth_date(typed.birth_date)
        if born is None:
            message = "Enter your date of birth: year in four digits, month and day."
            return [Fault("birth_date", message)]
        zones = {str(store.id): store.time_zone for store in stores}
        zone = zones.get(typed.store.strip()) or account.time_zone
        today = local_day_number(self.clock.now(), zone)
        if may_be_younger(born, account.minimum_age, today):
            message = f"You must be {account.minimum_age} or older to join. Nothing was saved."
            return [Fault("birth_date", message)]
        return []

    def _issued(self, uid: Uid, proof: str) -> tuple[str, Instant] | None:
        """The page's id and when it was served; None for no proof of this account, or an old
        one."""
        if not 0 < len(proof) <= LONGEST_PROOF:
            return None
        try:
            sealed = base64.b64decode(proof.encode(), b"-_", validate=True)
            at, _, form = self.box.unseal(sealed, _context(uid)).partition(" ")
            served_at = int(at)
        except (binascii.Error, ValueError):
            return None
        return (form, served_at) if self.clock.now() < served_at + PROOF_LIVES else None

    def _take(self, uid: Uid, what: str, limit: int) -> None:
        """Count one of `what`. Raises TooManyRequests beyond the limit."""
        wait = self.throttle.take(uid, what, limit, AN_HOUR_SECONDS)
        if wait is not None:
            raise TooManyRequests("Too many signups: try again later.", retry_after=wait)

    def _may_ask(self, uid: Uid, phone: str, address: str) -> bool:
        """Whether a text may ask this number for consent."""
        limits = (
            (f"ask:{_digest(uid, phone)}", REQUESTS_PER_NUMBER),
            (f"ask:{_digest(uid, address)}", REQUESTS_PER_ADDRESS),
        )
        return all(
            self.throttle.take(uid, what, limit, AN_HOUR_SECONDS) is None for what, limit in limits
        )


def _contact_faults(typed: TypedForm, phone: str | None, email: str | None) -> list[Fault]:
    faults = []
    if typed.phone.strip() and phone is None:
        faults.append(Fault("phone", "Enter a phone number with area code, such as 206 555 0123."))
    if typed.email.strip() and email is None:
        faults.append(Fault("email", "Enter an e-mail address such as name@example.com."))
    if not typed.phone.strip() and not typed.email.strip():
        faults.append(Fault("phone", "Enter your phone number, or your e-mail address below."))
    return faults


def _text_faults(typed: TypedForm) -> list[Fault]:
    named = {"first": typed.first, "last": typed.last, "signed_name": typed.signed_name}
    faults = [
        Fault(name, "Use letters and signs that can be seen, at most 100 of them.")
        for name, text in named.items()
        if len(text) > LONGEST_NAME or has_hidden(text)
    ]
    if not typed.first.strip():
        faults.append(Fault("first", "Enter your first name."))
    return faults


def _signature_faults(typed: TypedForm) -> list[Fault]:
    name = typed.signed_name.strip()
    if typed.consent and name and " " not in name:
        return [Fault("signed_name", "Type your full name: first and last name.")]
    return []


def _context(uid: Uid) -> Mapping[str, str]:
    return {"uid": uid, "cursor": "join form"}


def _digest(uid: Uid, text: str) -> str:
    return blake2b(text.encode(), key=uid.encode(), digest_size=12).hexdigest()

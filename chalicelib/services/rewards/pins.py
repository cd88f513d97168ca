"""Prove a shopper's phone or e-mail by a PIN (partner-api.md, S13)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.domain.errors import AiqError, Conflict, NotFound
from chalicelib.domain.pins import (
    PIN_DIGITS,
    WRONG,
    WRONG_OF_A_KEY,
    WrongPin,
    check_key,
    note_wrong,
    send_pin,
    try_pin,
    within_the_hour,
)
from chalicelib.domain.times import local_day
from chalicelib.domain.words import Channel, Uid
from chalicelib.services.job_messages.text_jobs import SendPin
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.common import Clock, Ids, JobQueue
from chalicelib.services.ports.consent import ContactStates
from chalicelib.services.ports.rewards import Pins, SigningKeys
from chalicelib.services.ports.texting import KillSwitch, TextingSettings
from chalicelib.services.rewards.wallet import HeldBy, Wallets

NO_NUMBER = "No PIN can be texted: the account has no number to send from. E-mail it instead."
OPTED_OUT = "No PIN can be texted: this number opted out. E-mail it instead."
UNUSABLE = "No PIN can be texted to this number. E-mail it instead."
STOPPED = "No PIN can be texted: all texts are stopped for now. E-mail it instead."
NO_MAIL = "No PIN can be e-mailed: this deployment sends no e-mails."
TRIES = 6


class PinBusy(AiqError):
    """Others kept asking for PINs of the same contact; the same may be tried again."""

    code = "pin_busy"
    retriable = True


class PinContact(NamedTuple):
    """Where a PIN goes, and by whom it is proved."""

    channel: Channel
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PinService:
    """Sends PINs and checks them. `draw`: a random number below the argument. `mobile`: whether a
    number can be a mobile. `sends_mail`: whether the deployment sends e-mails."""

    wallets: Wallets
    pins: Pins
    signing_keys: SigningKeys
    settings: TextingSettings
    contact_states: ContactStates
    switch: KillSwitch
    accounts: Accounts
    queue: JobQueue
    notifier: Notifier
    ids: Ids
    clock: Clock
    draw: Callable[[int], int]
    mobile: Callable[[str], bool]
    sends_mail: bool

    def send(self, uid: Uid, *, phone: str | None, email: str | None, actor: str) -> Channel:
        """Send a PIN to the phone, without one to the e-mail, of somebody who is known.

        Raises NotFound for nobody's; Conflict where none can be sent, with the reason;
        TooManyRequests.
        """
        self.wallets.find(uid, phone=phone, email=email)
        return self.send_to(uid, self._contact(phone, email), actor=actor)

    def send_to(self, uid: Uid, to: PinContact, *, actor: str) -> Channel:
        """Send a PIN to a contact. Raises Conflict, TooManyRequests."""
        now = self.clock.now()
        check_key(self.pins.wrong_of(uid, actor), now)
        self._check_sendable(uid, to)
        code = f"{self.draw(10**PIN_DIGITS):0{PIN_DIGITS}d}"
        tag = self._tag(uid, to)
        for _ in range(TRIES):
            state = send_pin(self.pins.get(uid, tag), self._digest(uid, to, code), now)
            if self.pins.save(uid, tag, state):
                break
        else:
            raise PinBusy("Others ask for PINs of this shopper: try again.", retry_after=1)
        day = local_day(now, self.accounts.get(uid).time_zone).isoformat()
        text = self.ids.new("txt")
        job = SendPin(uid, to.channel, to.contact, code, text, now, day)
        self.queue.send(job.body())
        return to.channel

    def confirm(
        self,
        uid: Uid,
        code: str,
        *,
        phone: str | None,
        email: str | None,
        actor: str,
        call: str = "",
    ) -> HeldBy:
        """Return who has the contact, where the PIN is right. `call`: see `check`.

        Raises NotFound for nobody's contact, WrongPin, TooManyRequests.
        """
        held, _ = self.wallets.find(uid, phone=phone, email=email)
        self.check(uid, self._contact(phone, email), code, actor=actor, call=call)
        return held

    def check(self, uid: Uid, to: PinContact, code: str, *, actor: str, call: str = "") -> None:
        """Use the PIN up. `call`: the name of what it is used for, "" for none; the same again may
        use the same PIN. Raises WrongPin, TooManyRequests."""
        by = self._digest(uid, to, f"by {actor} {call}") if call else ""
        now, tag = self.clock.now(), self._tag(uid, to)
        tried = self.pins.wrong_of(uid, actor)
        check_key(tried, now)
        digest = self._digest(uid, to, code.strip().zfill(PIN_DIGITS))
        for _ in range(TRIES):
            state, is_right = try_pin(self.pins.get(uid, tag), digest, now, by)
            if self.pins.save(uid, tag, state):
                break
        else:
            raise PinBusy("Others try PINs of this shopper: try again.", retry_after=1)
        if not is_right:
            self._note_wrong(uid, actor)
            raise WrongPin(WRONG)
        if tried.at:
            self.pins.save_wrong(uid, actor, within_the_hour(tried, now))
            self.notifier.clear(uid, "pins_guessed", actor)

    def contact_of(self, uid: Uid, contact_id: str) -> PinContact:
        """Return where a PIN for this shopper goes: the number they may be texted at, where one can
        be sent there, else their e-mail. Raises NotFound; Conflict where neither can."""
        persona = self.wallets.find_record(uid, contact_id).persona
        refusal = Conflict(UNUSABLE)
        choices = [PinContact("sms", persona.texted_at)] if persona.texted_at else []
        choices += [PinContact("email", persona.email)] if persona.email else []
        for each in choices:
            try:
                self._check_sendable(uid, each)
            except Conflict as error:
                refusal = error
            else:
                return each
        raise refusal

    def _contact(self, phone: str | None, email: str | None) -> PinContact:
        if phone and (number := self.wallets.read_phone(phone)):
            return PinContact("sms", number)
        if email and (address := self.wallets.read_email(email)):
            return PinContact("email", address)
        raise NotFound("Nobody has this phone or e-mail.")

    def _check_sendable(self, uid: Uid, to: PinContact) -> None:
        if to.channel == "email":
            if not self.sends_mail:
                raise Conflict(NO_MAIL)
            return
        if self.switch.read().off:
            raise Conflict(STOPPED)
        if self.settings.get(uid).number is None:
            raise Conflict(NO_NUMBER)
        state = self.contact_states.states(uid, [to.contact])[to.contact]
        if state.consent.state == "opted_out":
            raise Conflict(OPTED_OUT)
        if state.unusable is not None or not self.mobile(to.contact):
            raise Conflict(UNUSABLE)

    def _note_wrong(self, uid: Uid, actor: str) -> None:
        for _ in range(TRIES):
            tried = note_wrong(self.pins.wrong_of(uid, actor), self.clock.now())
            if self.pins.save_wrong(uid, actor, tried):
                if len(tried.at) >= WRONG_OF_A_KEY:
                    self.notifier.raise_(uid, "pins_guessed", actor)
                return

    def _tag(self, uid: Uid, to: PinContact) -> str:
        return self._digest(uid, to, "")[:32]

    def _digest(self, uid: Uid, to: PinContact, code: str) -> str:
        """Without the account's key nobody tells a contact, or one of 10,000 PINs, from it."""
        signed = "\x1f".join(("pin", uid, *to, code)).encode()
        return hmac.digest(self.signing_keys.get(uid), signed, hashlib.sha256).hex()

"""Take what a call says of the consent of one contact (partner-api.md S1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.consent import Consent
from chalicelib.domain.errors import field_fault, invalid_fields
from chalicelib.domain.signups import signup_platform
from chalicelib.domain.words import Channel, Uid
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ConsentLog
from chalicelib.services.ports.effects import Ask, ConsentNotes, StatedConsent
from chalicelib.services.ports.signups import ContactConsent, OptIn, ReadContact
from chalicelib.services.signups.signatures import UNREADABLE, SignatureStore, signer_of

REASONS: dict[Channel, tuple[str, str, str]] = {
    "sms": ("phone", "this is no phone number", "2065550123"),
    "email": ("email", "this is no e-mail address", "ana@example.com"),
}


@dataclass(frozen=True, slots=True)
class OptIns:
    """Sets or asks for the consent of numbers and addresses, known to AIQ or not."""

    log: ConsentLog
    notes: ConsentNotes
    signatures: SignatureStore
    clock: Clock
    readers: Callable[[Channel], ReadContact]

    def take(self, uid: Uid, opt_in: OptIn) -> tuple[ContactConsent, tuple[str, ...]]:
        """Take what was said; return the state after it, and warnings. No contact is made.

        An opt-out stays unless a signature came along. Raises InvalidInput for no contact.
        """
        contact, _ = self.readers(opt_in.channel)(opt_in.contact)
        if contact is None:
            raise invalid_fields(field_fault(*REASONS[opt_in.channel]))
        warnings: list[str] = []
        before = self.log.read(uid, opt_in.channel, contact).state.consent
        said = self._said(uid, opt_in, contact, before, warnings)
        if said is not None:
            self.notes.note_said(uid, [said])
        elif _asks(opt_in, before):
            platform = signup_platform("till", opt_in.platform)
            self.notes.note_asks(uid, [Ask(contact, "", platform, cause="signup")])
        after = self.log.read(uid, opt_in.channel, contact).state.consent
        shown = ContactConsent(after.state, contact, after.since, after.requested_at)
        return shown, tuple(warnings)

    def _said(
        self, uid: Uid, opt_in: OptIn, contact: str, before: Consent, warnings: list[str]
    ) -> StatedConsent | None:
        """The entry of the log that the call makes; None where it changes nothing by itself."""
        now = self.clock.now()
        evidence: dict[str, object] = {}
        if not opt_in.wanted:
            if before.state == "opted_out":
                return None
            return _entry(opt_in, contact, "flag_no", now, evidence)
        if opt_in.signature:
            kept = self.signatures.keep(
                uid, signer_of(opt_in.channel, contact), opt_in.signature, now
            )
            if kept is not None:
                return _entry(opt_in, contact, "signed", now, kept.evidence)
            warnings.append(UNREADABLE)
        may = opt_in.captures_consent and not opt_in.asks
        if may and before.state not in ("opted_in", "opted_out"):
            return _entry(opt_in, contact, "flag_yes", now, evidence)
        return None


def _asks(opt_in: OptIn, before: Consent) -> bool:
    is_open = before.state in ("unknown", "requested")
    by_itself = opt_in.asks or not opt_in.captures_consent
    return opt_in.wanted and opt_in.channel == "sms" and opt_in.may_ask and is_open and by_itself


def _entry(
    opt_in: OptIn, contact: str, act: str, now: int, evidence: dict[str, object]
) -> StatedConsent:
    return StatedConsent(
        channel=opt_in.channel,
        contact=contact,
        act=act,  # type: ignore[arg-type]  # one of three above
        id=f"call#{opt_in.actor}#{act}#{now}",
        at=now,
        source=opt_in.platform or "partner_api",
        actor=opt_in.actor,
        evidence=evidence,
    )

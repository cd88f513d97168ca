"""Sign a shopper up: the persona is there, merged and a member, when this returns (§11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from chalicelib.domain.acts import Join
from chalicelib.domain.errors import field_fault, invalid_fields
from chalicelib.domain.identity import MergeKey
from chalicelib.domain.ids import record_id
from chalicelib.domain.personas import Persona
from chalicelib.domain.records import Customer
from chalicelib.domain.signups import (
    SIGNUP_SCOPE,
    signup_ext_id,
    signup_platform,
    signup_reason,
)
from chalicelib.domain.words import Channel, Instant, Platform, Uid
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.job_messages.text_jobs import StatedConsentMessage
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.effects import Ask, StatedConsent
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.signups import ReadContact, SignedUp, SignUp, SignUpWarning
from chalicelib.services.ports.stores import Stores
from chalicelib.services.signups.reading import NO_STORE, is_number, read_signup, store_named
from chalicelib.services.signups.signatures import (
    UNREADABLE,
    Signature,
    SignatureStore,
    typed_name,
)
from chalicelib.services.signups.take_signup import SignUpTaken, take_signup

NO_CONTACT = "give a phone or an e-mail: without a contact nobody can be told from another"


@dataclass(frozen=True, slots=True)
class SignUpService:
    """Implements `SignUps`. `texts`: the queue whose worker notes consent."""

    facts: FactStore
    commits: FactCommits
    stores: Stores
    texts: JobQueue
    signatures: SignatureStore
    notifier: Notifier
    clock: Clock
    phone: ReadContact
    email: ReadContact

    def sign_up(self, uid: Uid, signup: SignUp) -> SignedUp:
        """See `SignUps.sign_up`. What is not stored by now of a call that fails, the same call
        stores when it is made again."""
        now = self.clock.now()
        told, warnings = read_signup(signup, self.phone, self.email, now)
        ext_id = signup_ext_id(told)
        if ext_id is None:
            raise invalid_fields(field_fault("mobilePhone", NO_CONTACT, "+12065550123"))
        told = replace(told, ext_id=ext_id, favourite_store=self._store(uid, signup))
        platform = signup_platform(signup.source, signup.platform)
        rid = record_id(uid, platform, SIGNUP_SCOPE, ext_id)
        taken, commit = self._commit(uid, rid, platform, signup, told)
        # Afterwards: a picture of who was erased meanwhile must not be kept.
        signature = None if taken.is_erased else self._signature(uid, rid, signup, told, warnings)
        if (signup.store.strip() and told.favourite_store is None) or taken.store_unknown:
            warnings.append(SignUpWarning("store", NO_STORE))
            self._tell_of_store(uid, signup)
        persona = _persona_of(commit, rid)
        contact_id = rid if persona is None else persona.id
        if not taken.is_erased:
            self._note_consent(uid, signup, told, rid, contact_id, signature, taken)
        return SignedUp(
            contact_id=contact_id,
            record=rid,
            platform=platform,
            is_new=taken.is_new,
            is_minor=taken.is_minor,
            reasons=() if persona is None else tuple(why.name for why in persona.reasons),
            phone=told.phone,
            email=told.email,
            warnings=tuple(warnings),
        )

    def _store(self, uid: Uid, signup: SignUp) -> int | None:
        """The store that was chosen; whether one of that number is there, the commit knows."""
        typed = signup.store.strip()
        if not typed:
            return None
        if is_number(typed):
            return int(typed) or None
        return store_named(typed, self.stores.for_account(uid))

    def _signature(
        self,
        uid: Uid,
        rid: str,
        signup: SignUp,
        told: Customer,
        warnings: list[SignUpWarning],
    ) -> Signature | None:
        """An unreadable picture costs the picture, never the signup."""
        if not signup.signature.strip():
            return typed_name(signup.signed_name)
        kept = self.signatures.keep(uid, rid, signup.signature, _at(told))
        if kept is None:
            warnings.append(SignUpWarning("signature", UNREADABLE))
        return kept or typed_name(signup.signed_name)

    def _commit(
        self, uid: Uid, rid: str, platform: Platform, signup: SignUp, told: Customer
    ) -> tuple[SignUpTaken, Commit]:
        reason = signup_reason(signup.source, signup.platform)
        join = Join(reason, _at(told)) if signup.joins else None
        found: list[SignUpTaken] = []

        def take(commit: Commit, answers: list[Any]) -> None:
            [(rows, carriers)] = answers
            commit.set_rows(rows)
            commit.set_carriers(keys, carriers)
            commit.seeds.add(rid)
            found.append(take_signup(commit, rid, platform, SIGNUP_SCOPE, told, join))

        keys = [MergeKey("phone", told.phone)] if told.phone else []
        keys += [MergeKey("email", told.email)] if told.email else []
        read = partial(self.facts.rows_and_carriers, uid, [rid], keys)
        _, commit = self.commits.at_the_till(uid, take, read)
        return found[-1], commit

    def _note_consent(
        self,
        uid: Uid,
        signup: SignUp,
        told: Customer,
        rid: str,
        contact_id: str,
        signature: Signature | None,
        taken: SignUpTaken,
    ) -> None:
        """Send what was said of consent, and whom to ask (partner-api.md S1)."""
        said, asks = [], []
        for channel, contact in _consents(signup, told):
            if signature is not None or signup.captures_consent:
                said.append(_said(signup, channel, contact, rid, _at(told), signature))
            elif channel == "sms" and signup.may_ask and not taken.is_minor:
                platform = signup_platform(signup.source, signup.platform)
                asks.append(Ask(contact, contact_id, platform, cause="signup"))
        if said or asks:
            self.texts.send(StatedConsentMessage(uid, tuple(said), tuple(asks)).body())

    def _tell_of_store(self, uid: Uid, signup: SignUp) -> None:
        if signup.key:
            subject = f"key:{signup.key}"
            self.notifier.raise_(uid, "favourite_store_unknown", subject, key=signup.key)


def _consents(signup: SignUp, told: Customer) -> Iterator[tuple[Channel, str]]:
    """The contacts whose consent was told. *disableSMS* tells nothing of texts."""
    if signup.sms and told.phone and signup.may_ask:
        yield "sms", told.phone
    if signup.emails and told.email:
        yield "email", told.email


def _said(
    signup: SignUp,
    channel: Channel,
    contact: str,
    rid: str,
    at: Instant,
    signature: Signature | None,
) -> StatedConsent:
    """A signature is the shopper's own act; the box alone never lifts an opt-out."""
    evidence = {**signup.evidence, "record": rid}
    if signature is not None:
        evidence |= signature.evidence
    return StatedConsent(
        channel=channel,
        contact=contact,
        act="signed" if signature is not None else "flag_yes",
        id=f"signup#{rid}#{signup.id or at}",
        at=at,
        source=signup.platform or ("partner_api" if signup.source == "till" else "form"),
        actor=signup.actor,
        wording=signup.wording,
        evidence=evidence,
    )


def _persona_of(commit: Commit, rid: str) -> Persona | None:
    return next((p for p in commit.personas() if rid in p.members), None)


def _at(told: Customer) -> Instant:
    return told.updated_at or 0

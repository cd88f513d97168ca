"""The age-gate box, *Connect* and *Disconnect* (product.md §3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.domain.errors import Conflict, StaleVersion
from chalicelib.domain.integration_states import AGE_GATE_LABEL, next_state
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.integrations.changeable import require_settled
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import AgeGate, Credentials, Integration, Integrations
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.ports.runs import SyncControl

ADD_A_CREDENTIAL = 'Add your credentials first: fill in the fields and click "Add Credential".'
TICK_THE_BOX = (
    "Scroll down to the Loyalty section and check off the box next to "
    f'"{AGE_GATE_LABEL}", then click Connect.'
)

WRITE_TRIES = 4

DeriveAgain = Callable[[Uid, str], None]
"""Takes an account and the reason: its personas are derived again in the background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectService:
    """Ticks the age-gate box of a card, connects its source and disconnects it."""

    pos: PosGateway
    integrations: Integrations
    credentials: Credentials
    sync: SyncControl
    derive_again: DeriveAgain
    audit: Audit
    clock: Clock

    def tick_age_gate(self, uid: Uid, platform: Platform, *, actor: str) -> Integration:
        """Tick the box, keep who ticked it and when, and return the card.

        The first tick stands until the box is unticked. Whoever was not asked by SMS because the
        box was empty is derived again.
        """
        gate = AgeGate(actor, self.clock.now())
        ticked = self._change(
            uid,
            platform,
            "age_gate.ticked",
            actor,
            lambda card: card if card.age_gate else replace(card, age_gate=gate),
        )
        self.derive_again(uid, "age_gate")
        return ticked

    def untick_age_gate(self, uid: Uid, platform: Platform, *, actor: str) -> Integration:
        """Untick the box, which stops SMS for the source at once and nothing else."""
        return self._change(
            uid, platform, "age_gate.unticked", actor, lambda card: replace(card, age_gate=None)
        )

    def connect(self, uid: Uid, platform: Platform, *, actor: str) -> Integration:
        """Connect and start every credential's first sync at once. Connecting again is harmless.

        Raises NotFound; Conflict without a credential, without the box where the grid says so, or
        while AIQ's last backup is used.
        """
        info = self.pos.platform(platform)
        live = self.credentials.for_integration(uid, platform)
        now = self.clock.now()

        def connected(card: Integration) -> Integration:
            state = next_state(card.state, "connect")
            if not live:
                raise Conflict(ADD_A_CREDENTIAL)
            if info.age_gate_to_connect and card.age_gate is None:
                raise Conflict(TICK_THE_BOX)
            if card.state == state:
                return card
            return replace(card, state=state, connected_at=now)

        before = self.integrations.get(uid, platform)
        integration = self._change(uid, platform, "integration.connected", actor, connected)
        already = before is not None and before.state == "connected"
        # Listed again: one added meanwhile saw an integration that was not connected yet.
        for credential in self.credentials.for_integration(uid, platform):
            if already and (credential.next_sync_at is not None or credential.stopped):
                continue
            # Due first, then queued: if queueing fails, the planner finds it.
            self.credentials.resume(uid, platform, credential.id, now)
            self.sync.start(uid, platform, credential.id, "connect")
        if not already:
            self.derive_again(uid, "connected")
        return integration

    def disconnect(self, uid: Uid, platform: Platform, *, actor: str) -> Integration:
        """Keep the data, stop the calls: nothing is due, running workers end at their next
        checkpoint. Raises NotFound; Conflict when it was never connected.
        """
        integration = self._change(
            uid,
            platform,
            "integration.disconnected",
            actor,
            lambda card: replace(card, state=next_state(card.state, "disconnect")),
        )
        for credential in self.credentials.for_integration(uid, platform):
            self.credentials.set_due(uid, platform, credential.id, None)
            self.sync.request_stop(uid, platform, credential.id)
        return integration

    def _change(
        self,
        uid: Uid,
        platform: Platform,
        action: str,
        actor: str,
        change: Callable[[Integration], Integration],
    ) -> Integration:
        """Read the card, change it and save it; again when somebody else saved in between.

        Raises Conflict while *Use AIQ's last backup* is at work.
        """
        self.pos.platform(platform)
        for tries_left in range(WRITE_TRIES - 1, -1, -1):
            before = self.integrations.get(uid, platform) or Integration(uid, platform)
            require_settled(before)
            wanted = change(before)
            if wanted == before:
                return before
            try:
                saved = self.integrations.save(wanted)
            except StaleVersion:
                if not tries_left:
                    raise
                continue
            self._record(actor, action, before, saved)
            return saved
        raise AssertionError("the last try returns or raises")

    def _record(self, actor: str, action: str, before: Integration, after_: Integration) -> None:
        entry = AuditEntry(
            at=self.clock.now(),
            actor=actor,
            action=action,
            subject=after_.platform,
            before=_audited(before),
            after=_audited(after_),
        )
        self.audit.record(after_.uid, entry)


def _audited(card: Integration) -> dict[str, object]:
    """Return what the activity log shows of a card; the trust in flags only where there is one."""
    state: dict[str, object] = {"state": card.state, "age_gate": card.age_gate is not None}
    return state | ({"flag_trust": True} if card.flag_trust else {})

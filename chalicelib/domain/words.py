"""The words that code, API, tables and screen share (product.md §1): units, kinds and states.

Nothing but names, so that whoever draws an API or reads a message need not load the rules.
"""

from __future__ import annotations

from typing import Literal, NewType

Uid = NewType("Uid", str)
"""One account, on every row of which it stands: 4 to 10 digits."""
Platform = NewType("Platform", str)
"""One of the POS in scope, by the name of its folder under `pos/`."""
NO_PLATFORM = Platform("")
ScopeId = NewType("ScopeId", str)
"""What a credential opens, by the POS's own stable id; "" until it is known."""
CredentialId = NewType("CredentialId", str)
"""`crd_` and a ULID."""
Instant = int
"""Milliseconds since the epoch, UTC."""
Day = int
"""Days since 1970-01-01 on some calendar; the caller says whose."""
Minor = int
"""Money in minor units, e.g. cents."""
Points = int
"""In hundredths."""
POINT: Points = 100
Fence = int
"""Counts the commits of an account, which are serial (ADR 3): a moment of all its facts."""

Stream = Literal["stores", "customers", "sales", "inventory"]
DiscountUse = Literal["none", "checkout", "sales"]
"""What a POS does with AIQ's discounts: redeems them in its checkout, or shows them in sales."""
SaleKind = Literal["sale", "return", "void"]
Double = Literal["", "left_out", "own"]
"""What a person said of a sale that looks doubled: it is the same as one that another POS tells,
and left out of points; or it is one of its own."""
SymbolColour = Literal["violet", "teal", "amber", "blue", "pink", "brown", "grey"]
"""Of a platform's symbol and its columns in charts, as the dashboard's theme has them."""
CheckOutcome = Literal[
    "ok", "key_rejected", "permission_missing", "server_unreachable", "unexpected_answer"
]
RunState = Literal["queued", "running", "waiting", "succeeded", "failed", "stopped"]
"""`waiting`: delayed by the POS (`Retry-After`). `stopped`: disconnected or frozen while it ran."""
RunTrigger = Literal["schedule", "connect", "now", "reread"]

Channel = Literal["sms", "email"]
ConsentState = Literal["unknown", "requested", "opted_in", "opted_out"]
TextKind = Literal["request", "confirmation", "opt_out", "help", "test", "pin"]
TextState = Literal["sending", "sent", "unknown", "refused"]

Rounding = Literal["up", "down", "nearest", "none"]
PreviewState = Literal["counting", "ready", "outdated"]
JobState = Literal["queued", "running", "done", "superseded"]
MembersChoice = Literal["keep", "let_go"]
"""What becomes of who would be lost: they get a reason of their own, or leave."""

KeyKind = Literal["phone", "email", "name_dob"]
"""What joins source records to one persona (product.md §6)."""
PersonaSort = Literal["inserted", "name"]
"""`inserted`: when AIQ first saw them. Names sort folded; who has none comes last."""
SnapshotSort = Literal["points", "last_purchase", "name"]
AudienceName = Literal["personas", "members", "opted_in", "lapsed_90"]
"""The standing audiences. `personas`: everybody. `opted_in`: who may be texted. `lapsed_90`: who
bought, and not within the last 90 days."""
BackupKind = Literal["nightly", "on_demand", "ahead"]
"""`ahead`: no backup, but where facts stood that were put back, so that they can be put forth."""
BackupState = Literal["building", "verified", "bad"]
Severity = Literal["info", "warning", "error"]
HealthLevel = Literal["bad", "warn", "busy", "frozen", "good", "idle"]
"""How a source is, the worst first: a person must act; something is wrong; a sync is under way; it
uses AIQ's last backup; all is well; it is not connected."""

"""Where a person stands: every kind of row and object, what it holds of a person, how it is
exported and how it is erased (freezing.md, rule 15).

Both follow this table: an export has the parts that it names, an erasure does the steps that it
names. `tests/unit/test_house.py` fails when a kind of row of docs/reference/design.md has no line.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Step = Literal[
    "tombstones",
    "facts",
    "contacts",
    "texts",
    "replies",
    "set_aside",
    "notes",
    "facts_log",
    "backups",
    "lists",
    "exports",
]
"""The steps of an erasure, in their order."""

Part = Literal[
    "records",
    "sales",
    "ledger",
    "persona",
    "consent",
    "texts",
    "replies",
    "set_aside",
    "pushes",
]
"""The parts of an export."""

NOBODY = "nobody"
"""The row speaks of no shopper."""
IDS_ONLY = "ids"
"""The row has ids of records at most, which lead to nobody once the record is gone."""


class RowKind(NamedTuple):
    """A kind of row or object. `row`: as design.md names it. `holds`: what of a person, in words.
    `erase`: the step that erases it, None where nothing is to be erased. `export`: the part of an
    export that shows it, None where another row says the same."""

    row: str
    holds: str
    erase: Step | None = None
    export: Part | None = None


PERSONA_ROWS = (
    RowKind("{uid}#REC#{record}/PROFILE", "who the shopper is, by a POS", "facts", "records"),
    RowKind("{uid}#REC#{record}/SALES", "sums of their sales and points", "facts"),
    RowKind(
        "{uid}#REC#{record}/SALE#{ordered_at}#{scope}#{ext id}",
        "points of a sale",
        "facts",
        "ledger",
    ),
    RowKind("{uid}#REC#{record}/LEDGER#{cause}", "points, and why", "facts", "ledger"),
    RowKind("{uid}#REC#{record}/PERSONA", "name, contacts, membership", "facts", "persona"),
    RowKind("{uid}#KEY#{kind}#{value}/MEMBERS", "phone, e-mail or name in its key", "facts"),
    RowKind("{uid}#SALE#{platform}#{scope}#{ext id}/SALE", "who bought it", "facts", "sales"),
    RowKind("{uid}#SALE#{platform}#{scope}#{ext id}/RETURNS", NOBODY),
    RowKind("{uid}#IDS#{platform}#{scope}/IDS", IDS_ONLY),
    RowKind("{uid}#LOG#{platform}/{fence, 12 digits}#{part}", "all that a POS said", "facts_log"),
    RowKind("{uid}#COMMIT/COMMIT", "contacts, while a commit is under way", "facts"),
    RowKind("{uid}#ERASED/SALT", NOBODY),
    RowKind("{uid}#ERASED/TOMBSTONE#{hash}", "a salted hash: stays"),
    RowKind("{uid}#CONTACT#{channel}#{contact}/HEAD", "consent, requests", "contacts", "consent"),
    RowKind("{uid}#CONTACT#{channel}#{contact}/ENTRY#{id}", "consent", "contacts", "consent"),
    RowKind("{uid}#TEXTS#{day}/TEXT#{at}#{id}", "number and wording", "texts", "texts"),
    RowKind("{uid}#REPLIES/REPLY#{message}", "number and words", "replies", "replies"),
    RowKind("{uid}#COUNTS#{day or month}/COUNTS", NOBODY),
    RowKind("{uid}#WAITING#{shard}/WAITING", NOBODY, "contacts"),
)
ACCOUNT_ROWS = (
    RowKind("ACCOUNT#{uid}/ACCOUNT", NOBODY),
    RowKind("ACCOUNT#{uid}/USER#{sub}", "the retailer's people, no shopper"),
    RowKind("ACCOUNT#{uid}/NOTIFICATION#{kind}#{subject}", NOBODY),
    RowKind("ACCOUNT#{uid}/DIGEST#{sub}", NOBODY),
    RowKind("DIGESTS#{shard}/{uid}", NOBODY),
    RowKind("ACCOUNT#{uid}/AUDIT#{instant}#{id}", "what people wrote of a shopper", "notes"),
    RowKind("ACCOUNT#{uid}/RULES", NOBODY),
    RowKind("ACCOUNT#{uid}/BACKUP#{platform}#{fence, 12 digits}", NOBODY, "backups"),
    RowKind("ACCOUNT#{uid}/PUSHES#{platform}", NOBODY),
    RowKind(
        "ACCOUNT#{uid}/PUSH#{platform}#{number, 12 digits}#{part, 2 digits}",
        "what a POS pushed of its shoppers",
        "facts_log",
        "pushes",
    ),
    RowKind("ACCOUNT#{uid}/PREVIEW#{preview}", NOBODY),
    RowKind("ACCOUNT#{uid}/LIVE#{subject}", NOBODY),
    RowKind("ACCOUNT#{uid}/COUNTING", NOBODY),
    RowKind("ACCOUNT#{uid}/JOB#job_{rules version, 10 digits}", NOBODY),
    RowKind("ACCOUNT#{uid}/WORK#work_{work}", NOBODY),
    RowKind("ACCOUNT#{uid}/LEFT#{platform}", IDS_ONLY),
    RowKind("ACCOUNT#{uid}/WITHDRAWN#{platform}", IDS_ONLY),
    RowKind("WITHHELD#{uid}#{run}/{place}", IDS_ONLY),
    RowKind("ACCOUNT#{uid}/ADJUSTED#{day}#{actor}", "why points were given by hand", "notes"),
    RowKind("ACCOUNT#{uid}/AUDIENCES", NOBODY, "lists"),
    RowKind("ACCOUNT#{uid}/AUDIENCE#{run}", IDS_ONLY),
    RowKind("AUDIENCES#{shard}/{look at, 15 digits}#{uid}", NOBODY),
    RowKind("ACCOUNT#{uid}/EXPORT#{export}", NOBODY, "exports"),
    RowKind("ACCOUNT#{uid}/ERASURE#{erasure}", "contacts, until it is done"),
    RowKind("OFFBOARDING#{offboarding}/OFFBOARDING", NOBODY),
    RowKind("EXPIRY#{shard}/{uid}", NOBODY),
    RowKind("ACCOUNT#{uid}/TEXTING", NOBODY),
    RowKind("ORIGINATION#{number}/ORIGINATION", NOBODY),
    RowKind("OPERATOR/NUMBERS", NOBODY),
    RowKind("THROTTLE#{uid}#{what}/PERIOD#{n}", NOBODY),
    RowKind("ACCOUNT#{uid}/LIMIT#{limit}", NOBODY),
    RowKind("SLOTS#{uid}/{queue}", NOBODY),
    RowKind("SHOPPERS#{uid}#{platform}/INTENT#{record}", IDS_ONLY),
    RowKind("SHOPPERS#{uid}#{platform}/OPEN#{record}", IDS_ONLY),
    RowKind("SHOPPERS#{uid}#{platform}/SHOWN#{record}", IDS_ONLY),
    RowKind("SHOPPERS#{uid}#{platform}/TURN", NOBODY),
    RowKind("JOIN#{uid}/{form}", IDS_ONLY),
    RowKind("SHOPPERSDUE#{shard}/{uid}#{platform}", NOBODY),
    RowKind("OPERATOR/TEXTS", NOBODY),
    RowKind("ACCOUNT#{uid}/SWITCH#{switch}", NOBODY),
    RowKind("ACCOUNT#{uid}/SWITCHCHECK#{switch}#{n, 4 digits}", NOBODY),
    RowKind("DOUBLED#{uid}#{switch}#{n, 4 digits}/{day}-{hash}", IDS_ONLY),
    RowKind("ACCOUNT#{uid}/APIKEY#{key}", NOBODY),
    RowKind("ACCOUNT#{uid}/DISCOUNTNAMES#{platform}", NOBODY),
    RowKind("ACCOUNT#{uid}/PIN#{tag}", "a contact as a keyed digest, for two days"),
    RowKind("ACCOUNT#{uid}/SIGNINGKEY", NOBODY),
    RowKind("ACCOUNT#{uid}/DISCOUNT#{discount}", NOBODY),
    RowKind("ACCOUNT#{uid}/WEBHOOK#{platform}#{secret}", NOBODY),
    RowKind("NAMED#{uid}#{name}/CALL", IDS_ONLY),
    RowKind("KEYUSE#{uid}#{key}/USE#{bucket}", NOBODY),
    RowKind("KEYUSE#{uid}#{key}/CALL#{bucket}#{nnn}", "a masked phone at most, which names nobody"),
)
OTHER_ROWS = (
    RowKind("ACCOUNT#{uid}/INTEGRATION#{platform}", NOBODY),
    RowKind("ACCOUNT#{uid}/CREDENTIAL#{platform}#{credential}", NOBODY),
    RowKind("ACCOUNT#{uid}/ADDITIONS", NOBODY),
    RowKind("ACCOUNT#{uid}/SCOPE#{platform}#{scope}", NOBODY),
    RowKind("ACCOUNT#{uid}/STORE#{id, 8 digits}", NOBODY),
    RowKind("ACCOUNT#{uid}/STOREKEY#{store key id}", NOBODY),
    RowKind("INVENTORY#{uid}#{store key id}/{ext id}", NOBODY),
    RowKind("CREDENTIAL#{uid}#{credential}/STATE", IDS_ONLY),
    RowKind("CREDENTIAL#{uid}#{credential}/STREAMS", NOBODY),
    RowKind("CREDENTIAL#{uid}#{credential}/PIECE#{kind}#{name}", IDS_ONLY),
    RowKind("MANIFEST#{uid}#{credential}#{stream}#{generation}/BASE#{nnnnn}", IDS_ONLY),
    RowKind("MANIFEST#{uid}#{credential}#{stream}#{generation}/DELTA#{nnnnnn}", IDS_ONLY),
    RowKind("SALEDAYS#{uid}#{credential}/{day}#{n}", IDS_ONLY),
    RowKind("RUNS#{uid}#{platform}/{run}", NOBODY),
    RowKind(
        "ASIDE#{uid}#{run}/{stream}#{nnnnnn}", "a row as the POS sent it", "set_aside", "set_aside"
    ),
    RowKind("id", NOBODY),
)
OBJECTS = (
    RowKind("{uid}/snapshots/{run}/{sort}-{seq}.jsonl.gz", "a line of a list", "lists"),
    RowKind("{uid}/snapshots/{run}/manifest.json", NOBODY, "lists"),
    RowKind("{uid}/snapshots/{run}/figures.json", NOBODY, "lists"),
    RowKind("{uid}/snapshots/{run}/work/…", "a line of a list", "lists"),
    RowKind(
        "{uid}/backups/{platform}/shards/{number}-{digest}.jsonl.gz",
        "all that a POS said",
        "backups",
    ),
    RowKind("{uid}/backups/{platform}/{backup}/manifest.json", NOBODY, "backups"),
    RowKind("exports/{uid}/{export}.csv", "lines of a list", "exports"),
    RowKind("exports/{uid}/{offboarding}-{n}.jsonl.gz", "all of an account", "exports"),
    RowKind("exports/{uid}/{export}.json", "all of a persona", "exports"),
    RowKind("{uid}/signatures/{record}/{digest}.{kind}", "what a shopper signed with", "exports"),
)
ROW_KINDS = (*PERSONA_ROWS, *ACCOUNT_ROWS, *OTHER_ROWS, *OBJECTS)


def steps() -> tuple[Step, ...]:
    """Return the steps that the table names, in the order of `Step`, the tombstones first."""
    named = {kind.erase for kind in ROW_KINDS} | {"tombstones"}
    return tuple(step for step in Step.__args__ if step in named)  # type: ignore[attr-defined]


def parts() -> tuple[Part, ...]:
    """Return the parts of an export that the table names, in the order of `Part`."""
    named = {kind.export for kind in ROW_KINDS}
    return tuple(part for part in Part.__args__ if part in named)  # type: ignore[attr-defined]

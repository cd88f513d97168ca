"""Request what a commit makes happen outside its tables: consent is noted or asked (§9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chalicelib.domain.acts import flag_words, told_flags
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.markets import is_out_of_market
from chalicelib.domain.records import NamedDiscount
from chalicelib.domain.rules import Rules
from chalicelib.domain.signups import SIGNUP_SCOPE
from chalicelib.domain.words import DiscountUse, Platform
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.ports.effects import (
    Ask,
    CommitEffects,
    ConsentFlag,
    DiscountedSale,
    DiscountName,
)
from chalicelib.services.ports.stored_facts import SaleId

UsesDiscounts = Callable[[Platform], DiscountUse]
"""What a POS does with AIQ's discounts."""

MOST_NAMES, LONGEST_NAME = 200, 100


def effects_of(commit: Commit, discount_use: UsesDiscounts) -> CommitEffects:
    """Return the changed consent flags, and whom to ask for consent. After a crash the same is
    requested again, which changes nothing."""
    if commit.silent:
        return CommitEffects(watch_ahead=commit.has_sales_ahead)
    flags = (*commit.kept_refusals, *_flags(commit))
    asks, signups = tuple(_asks(commit)), _signups(commit)
    sales, names = _discounts(commit, discount_use)
    return CommitEffects(flags, asks, commit.has_sales_ahead, signups, sales, names)


def _discounts(
    commit: Commit, discount_use: UsesDiscounts
) -> tuple[tuple[DiscountedSale, ...], tuple[DiscountName, ...]]:
    """The sales in which a discount of AIQ may be recognised, or given back, and the names of
    discounts that are seen in sales."""
    named: set[DiscountName] = set()
    sales = []
    uses = {platform: discount_use(platform) for platform in {s[0] for s in commit.touched_sales}}
    former = _former_records(commit) if "sales" in uses.values() else {}
    for sid in commit.touched_sales:
        use = uses[sid.platform]
        if use == "none":
            continue
        row = commit.writes.sales.get(sid)
        items = row.sale.items if row else ()
        names = {one for item in items if item.discounts for one in item.named_discounts}
        named.update(_short(sid.platform, one) for one in names)
        if use == "sales" and (names or row is None or sid in former):
            seen = DiscountedSale(sid.platform, sid.scope, sid.ext_id, former.get(sid, ""))
            sales.append(seen)
    in_order = sorted(named, key=lambda each: (each.platform, each.name, each.id))
    return tuple(sorted(sales, key=lambda sale: sale.ext_id)), tuple(in_order[:MOST_NAMES])


def _short(platform: Platform, seen: NamedDiscount) -> DiscountName:
    """An id that is too long for any that a person may set says nothing, rather than half."""
    shown_id = seen.id if len(seen.id) <= LONGEST_NAME else ""
    return DiscountName(platform, seen.name[:LONGEST_NAME], shown_id)


def _former_records(commit: Commit) -> dict[SaleId, str]:
    """From whom this commit takes sales, for another shopper or for nobody."""
    gone = [key for key, postings in commit.writes.pointers.items() if postings is None]
    former = {SaleId.of(ref): rid for rid, ref in gone}
    written = commit.writes.sales
    return {
        sid: rid for sid, rid in former.items() if sid in written and written[sid].record != rid
    }


def _signups(commit: Commit) -> tuple[str, ...]:
    """The records of signups that this commit writes, which a POS may not know yet; in a repair all
    that it reaches."""
    if commit.repairing:
        reached = commit.records(sorted(commit.reached))
        return tuple([record.id for record in reached if record.scope == SIGNUP_SCOPE])
    if commit.full:
        return ()
    written = commit.writes.records
    return tuple([rid for rid, row in written.items() if row.record.scope == SIGNUP_SCOPE])


def _flags(commit: Commit) -> list[ConsentFlag]:
    """The POS's flags that count: every *opted out*, and *opted in* of a source that an Owner
    trusts and that is in market. Of records whose flags changed, in a full commit of all."""
    rids, rules = sorted(commit.reached if commit.full else commit.flag_changes), commit.terms.rules
    flags = [flag for each in commit.records_seen(rids) for flag in _flags_of(each, rules)]
    left_out = [r for r in commit.records(rids) if is_out_of_market(r, commit.terms)]
    told = [flag for record in left_out for flag in _flags_of(record, rules)]
    return flags + [flag for flag in told if flag.value == "no"]


def _flags_of(record: SourceRecord, rules: Rules) -> Iterator[ConsentFlag]:
    trusted = rules.source(record.platform).trusts_opt_in_flags
    told = told_flags(record.customer)
    for word in flag_words(record.acts, record.customer):
        if (word.channel, word.contact, word.value) in told and (word.value == "no" or trusted):
            yield ConsentFlag(
                word.channel,
                word.contact,
                word.value,
                record.platform,
                record.id,
                word.seq,
                word.at,
            )


def _asks(commit: Commit) -> list[Ask]:
    """Return who is newly to be asked for SMS consent; in a full commit all who are to be asked."""
    asks = []
    for persona in commit.personas():
        number = persona.texted_at
        asking = [p for p in persona.asked_by if commit.terms.rules.source(p).standing is None]
        if not asking or number is None:
            continue
        before = None if commit.full else commit.persona_before(persona.id)
        if before is None or (before.texted_at, before.asked_by) != (number, persona.asked_by):
            asks.append(Ask(number, persona.id, asking[0]))
    return asks

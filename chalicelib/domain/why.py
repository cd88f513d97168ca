"""Say in sentences why a person is (not) a member, earns, and is (not) to be asked (product.md §6).

Each sentence comes with its data, so that a screen may say it in its own way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from chalicelib.domain.acts import DOUBLE_OPT_IN, KEPT, Join, merge_joins
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.keeps import FIRST_DAY
from chalicelib.domain.membership import IMPORT, NEVER_TEXTED, UNRELIABLE, Reason
from chalicelib.domain.personas import Persona
from chalicelib.domain.rules import Loyalty, Rules, Terms, setting_values
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.settings import ENROLL_AFTER, SMS_OPT_IN_AFTER, setting_label
from chalicelib.domain.times import day_text
from chalicelib.domain.words import POINT, Day, Platform, Points

Titles = Mapping[Platform, str]
"""Platform → the name people know it by."""

JOIN_WORDS: Mapping[str, str] = {
    KEPT: "Was kept{on} when *{label}* ({source}) was removed or moved.",
    DOUBLE_OPT_IN: "Answered the SMS double opt-in of {title} with YES{on}.",
    "pos_signup": "Signed up at the checkout of {title}{on}.",
    "form": "Used a signup form{on}.",
    "partner_api": "Was signed up by a partner{on}.",
    IMPORT: "Has loyalty points that were imported from the POS.",
}
FLAG_WORDS: Mapping[str, str] = {
    "employee": "is an employee",
    "test": "is a test or guest shopper",
    "inactive": "is inactive in the POS",
    "busy": "has more than 20 sales on a day",
    "minor": "is under the minimum age",
    "shared_key": "has a phone or e-mail that too many shoppers share",
    "large_component": "hangs together with too many other records",
}


class Explanation(NamedTuple):
    """`code` is stable, `data` what the sentence says in values."""

    code: str
    sentence: str
    data: Mapping[str, object]


def why_member(
    persona: Persona, records: Sequence[SourceRecord], terms: Terms, titles: Titles
) -> list[Explanation]:
    """One sentence per reason of membership; for who has none, what stands in the way."""
    every = [join for record in records for join in record.acts.joins]
    joins = {join.reason: join for join in merge_joins(every, ())}
    if persona.reasons:
        return [_reason(reason, joins, persona, terms, titles) for reason in persona.reasons]
    flagged = persona.flags & UNRELIABLE
    if flagged:
        return [_flagged(flagged, "kept, but not enrolled")]
    return list(_not_covered(ENROLL_AFTER, persona, terms, titles))


def why_asked(persona: Persona, terms: Terms, titles: Titles) -> list[Explanation]:
    """Return whose setting wants the person asked for SMS consent; if none, what stands in the
    way."""
    if persona.asked_by:
        return [_covered(SMS_OPT_IN_AFTER, p, persona, terms, titles) for p in persona.asked_by]
    if persona.phone is None:
        return [Explanation("no_phone", "There is no valid phone number to ask.", {})]
    if flagged := persona.flags & NEVER_TEXTED:
        return [_flagged(flagged, "never messaged")]
    if persona.texted_at is None:
        return [_flagged(frozenset({"shared_key"}), "not messaged at that number")]
    return list(_not_covered(SMS_OPT_IN_AFTER, persona, terms, titles))


def why_points(ref: SaleRef, amount: Points, persona: Persona, terms: Terms) -> Explanation:
    """Explain where the points of a sale come from, or why it earns none."""
    day = terms.day(ref.ordered_at, ref.store_key)
    data: dict[str, object] = {"day": day_text(day), "net": ref.net, "returned": ref.returned}
    if amount:
        loyalty = terms.rules.loyalty
        taxed = f", {money_text(ref.tax)} of it tax" if loyalty.exclude_tax and ref.tax else ""
        given = f", {money_text(ref.returned)} of it given back" if ref.returned else ""
        sentence = (
            f"{points_text(amount)} points for the purchase of {day_text(day)}:"
            f" {money_text(ref.net)} without tip and fees{taxed}{given}; {_rate(loyalty)}."
        )
        return Explanation("earned", sentence, data)
    code, sentence = next(_obstacles(ref, day, persona, terms))
    return Explanation(code, sentence, data)


def points_text(amount: Points) -> str:
    """Return hundredths of a point as people write points."""
    return f"{amount / POINT:.2f}".rstrip("0").rstrip(".")


def money_text(minor: int) -> str:
    """Return minor units as a decimal number."""
    return f"{minor / 100:.2f}"


def _reason(
    reason: Reason,
    joins: Mapping[str, Join],
    persona: Persona,
    terms: Terms,
    titles: Titles,
) -> Explanation:
    kind, _, rest = reason.name.partition(":")
    platform = Platform(rest.partition("@")[0].rpartition(":")[2])
    title = titles.get(platform, platform)
    data: dict[str, object] = {"reason": reason.name}
    if reason.earn_from is not None:
        data["earn_from"] = day_text(reason.earn_from)
    if kind == ENROLL_AFTER:
        said = _covered(ENROLL_AFTER, platform, persona, terms, titles)
        return Explanation(reason.name, said.sentence, {**said.data, **data})
    on = ""
    if reason.name in joins:
        data["on"] = day_text(terms.own_day(joins[reason.name].at))
        on = f" on {data['on']}"
    setting, _, day = rest.partition("@")
    name = setting_label(setting.partition(":")[0])
    words = JOIN_WORDS.get(kind, "Joined{on}.")
    source = title if reason.earn_from == FIRST_DAY else f"{title}, {day}"
    sentence = words.format(title=title, on=on, label=name, source=source)
    return Explanation(reason.name, sentence, data)


def _covered(
    setting: str, platform: Platform, persona: Persona, terms: Terms, titles: Titles
) -> Explanation:
    last = day_text(persona.last_days[platform])
    start = setting_values(terms.rules.source(platform))[setting] or ""
    title = titles.get(platform, platform)
    name = setting_label(setting)
    sentence = f"Bought from {title} on {last}, on or after {start}, the day of *{name}*."
    data = {"platform": platform, "last_purchase": last, "since": start}
    return Explanation(f"{setting}:{platform}", sentence, data)


def _not_covered(
    setting: str, persona: Persona, terms: Terms, titles: Titles
) -> Iterator[Explanation]:
    name = setting_label(setting)
    for platform in persona.sources:
        title = titles.get(platform, platform)
        start = setting_values(terms.rules.source(platform))[setting]
        last = persona.last_days.get(platform)
        data: dict[str, object] = {"platform": platform}
        if start is None:
            yield Explanation("not_set", f"*{name}* is not set for {title}.", data)
            continue
        data["since"] = start
        bought = "no purchase is known"
        if last is not None:
            data["last_purchase"] = day_text(last)
            bought = f"the last purchase was on {day_text(last)}"
        yield Explanation("not_covered", f"*{name}* is {start} for {title}; {bought}.", data)


def _flagged(flags: Iterable[str], therefore: str) -> Explanation:
    named = sorted(flags)
    words = " and ".join(FLAG_WORDS[flag] for flag in named)
    return Explanation("flagged", f"This shopper {words}: {therefore}.", {"flags": named})


def _obstacles(ref: SaleRef, day: Day, persona: Persona, terms: Terms) -> Iterator[tuple[str, str]]:
    """Yield what keeps a sale from earning, as code and sentence; the first is the reason."""
    rules, since = terms.rules, persona.earn_from
    start = rules.accrual_start(ref.platform)
    if not ref.counts:
        yield _why_not_counting(ref, day)
    if not rules.loyalty.enabled:
        yield "loyalty_off", "The loyalty programme is off."
    if not persona.member:
        yield "not_a_member", "The shopper is no member."
    if since is None:
        yield "employee", "Employees never earn."
    if start is not None and day < start:
        yield "before_accrual", f"Before {day_text(start)}, the points accrual start date."
    if since is not None and day < since:
        yield "before_joining", f"Before {day_text(since)}, from when this member earns."
    if ref.net <= 0 or (rules.loyalty.exclude_tax and ref.net <= ref.tax):
        yield "nothing_paid", "Nothing was paid that earns points."
    yield from _taken_off(ref, day, rules)


def _taken_off(ref: SaleRef, day: Day, rules: Rules) -> Iterator[tuple[str, str]]:
    """Yield what takes the points of a sale that would earn otherwise."""
    cap = rules.loyalty.max_orders_per_day
    if ref.double == "left_out":
        yield "doubled", "Left out: another POS tells of the same purchase."
    if ref.returned >= ref.net:
        yield "given_back", "All of it was given back."
    if rules.may_double(ref.platform, day):
        yield "none_left", "Given back, or a purchase of which the other POS tells too."
    if cap is not None:
        yield "none_left", f"Given back, or not among the first {cap} orders of its day."
    yield "none_left", "It came to no points after returns and rounding."


def _why_not_counting(ref: SaleRef, day: Day) -> tuple[str, str]:
    if ref.ahead:
        return "dated_ahead", f"Dated {day_text(day)}: it counts for nothing until then."
    if ref.gone:
        return "gone_from_the_pos", "Gone from the POS: it counts as void."
    return "no_final_sale", "Not a final sale: it earns nothing."


def _rate(loyalty: Loyalty) -> str:
    parts = []
    if loyalty.points_per_100:
        parts.append(f"{points_text(loyalty.points_per_100)} points per 100")
    if loyalty.points_per_order:
        parts.append(f"{points_text(loyalty.points_per_order)} points per order")
    return " and ".join(parts) or "by earlier rules"

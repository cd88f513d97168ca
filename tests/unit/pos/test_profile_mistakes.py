"""A mistake in a profile that YAML and its types let pass is refused, with its line."""

from __future__ import annotations

import re

import pytest

from chalicelib.pos.profile import load, registry
from chalicelib.pos.profile.faults import BrokenProfile


def written(platform: str) -> str:
    return (load.FOLDER / platform / load.FILE).read_text(encoding="utf-8")


def told(text: str, platform: str) -> str:
    """What is said about a profile; nothing about a good one."""
    try:
        load.parse(text, f"{platform}/{load.FILE}")
    except BrokenProfile as error:
        return str(error)
    return ""


@pytest.mark.parametrize("platform", registry.names())
def test_the_profiles_that_there_are_have_none(platform: str) -> None:
    assert told(written(platform), platform) == ""


HEADER = "  - {name: header, scheme: header, header: AuthKey, secret: auth_key}\n"
MISTAKES = [
    # On the card.
    ("posabit", 'pattern: "[!-~]{4,512}"', 'pattern: "[!-~"', "no regular expression"),
    ("posabit", "example: vt_4f1c9a2b7d", "example: v t", "refused by the pattern"),
    ("posabit", "example: WA", f"example: {'W' * 201}", "longer than max_length"),
    ("posabit", "- key: market", "- key: store_name", "two fields are called store_name"),
    ("profitek", "scope_field: store_name", "scope_field: auth_key", "a secret is no name"),
    ("posabit", "status: partly public", "status: confirmed", "nobody is sure of auth.basic"),
    ("profitek", "note: >-\n    Wire contract not confirmed", "note: >-\n    Known", "say on the"),
    ("posabit", "platform: posabit", "platform: posabyte", "is the folder's name: posabit"),
    ("posabit", "title: POSaBIT", 'title: " "', "the card needs a name"),
    ("posabit", "label: Key", 'label: ""', "nobody knows what to type"),
    ("webjoint", "suffix: Error", 'suffix: ""', "every answer with a name"),
    ("posabit", "{start_date: ", "{page: '1', start_date: ", "says which rows are asked for"),
    ("posabit", 'params: {"q[s]": updated_at asc}', "params: {per_page: '9'}", "which rows"),
    # How the POS is asked.
    ("posabit", "base_url: https://app", "base_url: http://app", "must begin with https://"),
    ("posabit", "posabit.com/api\n", "posabit.com/api/\n", "leave out the / at its end"),
    ("posabit", "/api\n", "/api?v=3\n", "a host with a path at most"),
    ("posabit", "needs: [integrator_token]", "needs: [integrator]", "no field of the credential"),
    ("profitek", "auth:\n", f"auth:\n{HEADER}", "two ways are called header"),
    ("posabit", "basic: /v3/info,", "basic: v3/info,", "write the path from / on"),
    ("posabit", "min_sync_hours: 1", "min_sync_hours: 0", "1 to 12 hours"),
    ("posabit", "overlap_minutes: 15", "overlap_minutes: -15", "below 0"),
    ("posabit", "stream: sales", "stream: inventory", "inventory are listed by inventories"),
    ("auphan", "not_offered: [", "not_offered: [Unknown, ", "never met: write 'unknown'"),
    # The clock.
    ("posabit", "zone: UTC", "zone: Pacific Time", "there is no zone 'Pacific Time'"),
    ("posabit", "formats: [iso]", "formats: []", "at least one format"),
    ("posabit", "formats: [iso]", 'formats: ["%Q"]', "no time can be read"),
    ("posabit", "formats: [iso]", "formats: [ISO]", "leaves out the year"),
    ("posabit", "formats: [iso]", 'formats: ["%m/%d %H:%M"]', "leaves out the year"),
    ("profitek", '"%Y-%m-%dT%H:%M:%S", field: Last', '"%Y-%m-%d", field: Last', "the time of day"),
    (
        "profitek",
        "days: 1\n        max_days",
        "days: 99\n        max_days",
        "more than max_days 31",
    ),
    ("profitek", "{daily_days: 3,", "{daily_days: 36,", "more than weekly_days"),
    # Words.
    ("posabit", "final: [completed,", "final: [Completed,", "never met: write 'completed'"),
    ("posabit", "open: [pending,", "open: [completed, pending,", "stands under final too"),
    ("posabit", "final: [completed,", "final: [cancelled, completed,", "no sale but a void one"),
    ("posabit", "type_return: [return,", "type_return: [sale, return,", "under type_sale too"),
    ("posabit", "employee_types: [employee]", "employee_types: [Employee]", "never met"),
    ("posabit", "phone_region: US", "phone_region: UK", "there is no region 'UK'"),
    ("posabit", "domains: [posabit.com]", "domains: ['@posabit.com']", "is no domain"),
    # Rows.
    ("posabit", "{given: sms_opt_in, refused: sms_opt_out}", "sms_opt_in", "say {given: flag"),
    ("posabit", "first: first_name", "first: {given: first_name}", "is no consent"),
    ("posabit", "first: first_name", "first: {unless: active}", "is no flag"),
    ("posabit", "last: last_name", "last: {sum: [last_name]}", "is no amount"),
    (
        "posabit",
        "tax: tax\n      total: total\n",
        "tax: tax\n      currency: total\n",
        "worked out",
    ),
    ("posabit", "gender: gender", "flags: gender", "is worked out, not read"),
    ("posabit", "gender: gender", "gender: []", "say where it stands"),
    ("posabit", "gender: gender", "gender: [gender, gender]", "names a place twice"),
    ("posabit", "gender: gender", "gender: {rows: genders, map: {}}", "is no array"),
    (
        "posabit",
        "ordered_at: ordered_at",
        "ordered_at: {of: id, at: x, take: 1, parts: 2}",
        "not put together",
    ),
    ("webjoint", "parts: 4, take: 3", "parts: 4, take: 5", "takes a part that there is not"),
    (
        "posabit",
        "unread: [city,",
        "unread: [email, city,",
        "is read by streams.customers.map.email",
    ),
    ("posabit", "gender: gender", "gender: drivers_license", "never kept"),
    (
        "webjoint",
        "facilityId, field: facility_ids}",
        "facilityId, field: shops}",
        "no field of the",
    ),
]


@pytest.mark.parametrize(("platform", "right", "wrong", "what"), MISTAKES)
def test_a_mistake_is_told_with_its_line(platform: str, right: str, wrong: str, what: str) -> None:
    text = written(platform)
    assert right in text
    line = text[: text.index(right)].count("\n") + 1

    found = told(text.replace(right, wrong, 1), platform)

    lines = range(line, line + wrong.count("\n") + 1)
    about = [fault for fault in found.split("\n") if what in fault]
    assert about, found
    assert int(re.findall(rf"^{platform}/profile\.yaml:(\d+): ", about[0])[0]) in lines, about


def test_a_key_that_stands_twice_is_told_with_both_lines() -> None:
    text = written("posabit").replace("      gender: gender\n", "      gender: gender\n" * 2)
    first = text[: text.index("gender: gender")].count("\n") + 1

    assert told(text, "posabit") == (
        f"posabit/profile.yaml:{first}: streams.customers.map.gender: stands again in line"
        f" {first + 1}: leave one of them out"
    )


@pytest.mark.parametrize("status", ["confirmed", "partly public", "unconfirmed"])
def test_what_nobody_marked_is_told(status: str) -> None:
    text = re.sub(r"evidence:\n(  .*\n)+", "evidence: {}\n", written("posabit"))
    text = text.replace("status: partly public", f"status: {status}")

    found = told(text, "posabit").split("\n")

    line = text[: text.index("evidence: {}")].count("\n") + 1
    assert all(fault.startswith(f"posabit/profile.yaml:{line}: evidence: say") for fault in found)
    assert {"streams.sales.map", "sale_words", "base_url", "auth.basic", "endpoints.info"} <= {
        fault.split("how sure ")[1].split(" is:")[0] for fault in found
    }


@pytest.mark.parametrize("text", ["", "[]", "posabit", "platform: [", "1: 2", "? [a]\n: b"])
def test_what_is_no_profile_is_refused_with_a_line(text: str) -> None:
    assert re.match(r"x/profile\.yaml:\d+: ", told(text, "x"))

"""A mistake in a profile that YAML and its types let pass is refused, with its line."""

from __future__ import annotations

import re

import pytest
import yaml

from chalicelib.pos.profile import load, registry
from chalicelib.pos.profile.faults import BrokenProfile, duplicate_keys


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
    (
        "posabit",
        'pattern: "[!-~]{4,512}"',
        'pattern: "[!-~"',
        (
            "credential.fields.key.pattern: is no regular expression: unterminated "
            "character set at position 0"
        ),
    ),
    (
        "posabit",
        "example: vt_4f1c9a2b7d",
        "example: v t",
        (
            "credential.fields.key.example: is refused by the pattern '[!-~]{4,512}': mend "
            "one of them"
        ),
    ),
    (
        "posabit",
        "example: WA",
        f"example: {'W' * 201}",
        "credential.fields.market.example: is longer than max_length 200",
    ),
    (
        "posabit",
        "- key: market",
        "- key: store_name",
        "credential.fields.2: two fields are called store_name: give each its own key",
    ),
    (
        "profitek",
        "scope_field: store_name",
        "scope_field: auth_key",
        "scope_field: a secret is no name for what it opens: choose another field",
    ),
    (
        "posabit",
        "status: partly public",
        "status: confirmed",
        "contract.status: is not confirmed: nobody is sure of auth.basic.secret, pace, …",
    ),
    (
        "profitek",
        "note: >-\n    Wire contract not confirmed",
        "note: >-\n    Known",
        "contract.note: say on the card that it is not confirmed by the vendor",
    ),
    (
        "posabit",
        "platform: posabit",
        "platform: posabyte",
        "platform: is the folder's name: posabit",
    ),
    ("posabit", "title: POSaBIT", 'title: " "', "title: is blank: the card needs a name"),
    (
        "posabit",
        "label: Key",
        'label: ""',
        "credential.fields.key.label: is blank: nobody knows what to type",
    ),
    (
        "webjoint",
        "words: [Error]",
        'words: [""]',
        "answers.error.words: a blank word is in every answer: leave it out",
    ),
    (
        "posabit",
        "{start_date: ",
        "{page: '1', start_date: ",
        ("endpoints.customers.params.page: page says which rows are asked for: leave it out"),
    ),
    (
        "posabit",
        'params: {"q[s]": updated_at asc}',
        "params: {per_page: '9'}",
        (
            "streams.customers.page.params.per_page: per_page says which rows are asked "
            "for: leave it out"
        ),
    ),
    (
        "posabit",
        "base_url: https://app",
        "base_url: http://app",
        "base_url: must begin with https://: a key would be readable on the way",
    ),
    (
        "posabit",
        "posabit.com/api\n",
        "posabit.com/api/\n",
        "base_url: leave out the / at its end: the paths of endpoints begin with one",
    ),
    (
        "posabit",
        "/api\n",
        "/api?v=3\n",
        "base_url: must be a host with a path at most, such as https://pos.example.com",
    ),
    (
        "posabit",
        "needs: [integrator_token]",
        "needs: [integrator]",
        "auth.basic: no field of the credential is called 'integrator'",
    ),
    (
        "profitek",
        "auth:\n",
        "auth:\n  - {name: header, scheme: header, header: AuthKey, secret: auth_key}\n",
        "auth.1: two ways are called header: give each its own name",
    ),
    (
        "posabit",
        "basic: /v3/info,",
        "basic: v3/info,",
        ("endpoints.info.paths.basic: write the path from / on, what is asked for under params"),
    ),
    ("posabit", "min_sync_hours: 1", "min_sync_hours: 0", "min_sync_hours: must be 1 to 12 hours"),
    (
        "posabit",
        "overlap_minutes: 15",
        "overlap_minutes: -15",
        "overlap_minutes: cannot be below 0",
    ),
    (
        "posabit",
        "stream: sales",
        "stream: inventory",
        "probes.2.stream: inventory are listed by inventories, not by sales_histories",
    ),
    (
        "auphan",
        "words: [unknown report]",
        "words: [Unknown, unknown report]",
        "answers.report.words.0: 'Unknown' is never met: write 'unknown'",
    ),
    (
        "posabit",
        "zone: UTC",
        "zone: Pacific Time",
        "time.zone: there is no zone 'Pacific Time': an IANA name, or store",
    ),
    (
        "posabit",
        "formats: [iso]",
        "formats: []",
        "time.formats: say at least one format, such as iso",
    ),
    (
        "posabit",
        "formats: [iso]",
        'formats: ["%Q"]',
        (
            "time.formats.0: no time can be read in the format '%Q': 'Q' is a bad "
            "directive in format '%Q'"
        ),
    ),
    (
        "posabit",
        "formats: [iso]",
        "formats: [ISO]",
        "time.formats.0: the format 'ISO' leaves out the year, the month or the day",
    ),
    (
        "posabit",
        "formats: [iso]",
        'formats: ["%m/%d %H:%M"]',
        ("time.formats.0: the format '%m/%d %H:%M' leaves out the year, the month or the day"),
    ),
    (
        "profitek",
        '"%Y-%m-%dT%H:%M:%S", field: Last',
        '"%Y-%m-%d", field: Last',
        (
            "streams.customers.page.filter.format: the format '%Y-%m-%d' leaves out a "
            "part of the time of day"
        ),
    ),
    (
        "profitek",
        "days: 1\n        max_days",
        "days: 99\n        max_days",
        "streams.sales.page.filter.days: is more than max_days 31",
    ),
    (
        "profitek",
        "{daily_days: 3,",
        "{daily_days: 36,",
        (
            "streams.sales.page.filter.look_back.daily_days: is more than weekly_days: "
            "the week looks further"
        ),
    ),
    (
        "posabit",
        "final: [completed,",
        "final: [Completed,",
        "sale_words.final.0: 'Completed' is never met: write 'completed'",
    ),
    (
        "posabit",
        "open: [pending,",
        "open: [completed, pending,",
        "sale_words.open.0: 'completed' stands under final too: a word has one meaning",
    ),
    (
        "posabit",
        "final: [completed,",
        "final: [cancelled, completed,",
        "sale_words.final.0: 'cancelled' can mean no sale but a void one",
    ),
    (
        "posabit",
        "type_return: [return,",
        "type_return: [sale, return,",
        ("sale_words.type_return.0: 'sale' stands under type_sale too: a word has one meaning"),
    ),
    (
        "posabit",
        "employee_types: [employee]",
        "employee_types: [Employee]",
        "contacts.employee_types.0: 'Employee' is never met: write 'employee'",
    ),
    (
        "posabit",
        "phone_region: US",
        "phone_region: UK",
        ("contacts.phone_region: there is no region 'UK': an ISO 3166 code, such as US or GB"),
    ),
    (
        "posabit",
        "domains: [posabit.com]",
        "domains: ['@posabit.com']",
        ("contacts.placeholder_email_domains.0: '@posabit.com' is no domain, such as example.com"),
    ),
    (
        "posabit",
        "{given: sms_opt_in, refused: sms_opt_out}",
        "sms_opt_in",
        "streams.customers.map.sms_consent: say {given: flag, refused: flag}",
    ),
    (
        "posabit",
        "first: first_name",
        "first: {given: first_name}",
        "streams.customers.map.first: is no consent: say where it stands",
    ),
    (
        "posabit",
        "first: first_name",
        "first: {unless: active}",
        "streams.customers.map.first: is no flag: leave out unless",
    ),
    (
        "posabit",
        "last: last_name",
        "last: {sum: [last_name]}",
        "streams.customers.map.last: is no amount: only amounts add up",
    ),
    (
        "posabit",
        "tax: tax\n      total: total\n",
        "tax: tax\n      wall_clock: total\n",
        "streams.sales.map.wall_clock: is worked out, not read: leave it out",
    ),
    (
        "posabit",
        "gender: gender",
        "flags: gender",
        "streams.customers.map.flags: is worked out, not read: leave it out",
    ),
    (
        "posabit",
        "gender: gender",
        "gender: []",
        "streams.customers.map.gender: say where it stands",
    ),
    (
        "posabit",
        "gender: gender",
        "gender: [gender, gender]",
        "streams.customers.map.gender: names a place twice: leave one of them out",
    ),
    (
        "posabit",
        "gender: gender",
        "gender: {rows: genders, map: {}}",
        "streams.customers.map.gender: is no array: say where it stands",
    ),
    (
        "posabit",
        "ordered_at: ordered_at",
        "ordered_at: {of: id, at: x, take: 1, parts: 2}",
        "streams.sales.map.ordered_at: say where it stands: it is not put together",
    ),
    (
        "webjoint",
        "parts: 4, take: 3",
        "parts: 4, take: 5",
        ("streams.sales.map.customer_ext_id: takes a part that there is not: mend take or parts"),
    ),
    (
        "posabit",
        "unread: [city,",
        "unread: [email, city,",
        ("streams.customers.unread.0: email is read by streams.customers.map.email: leave it out"),
    ),
    (
        "posabit",
        "gender: gender",
        "gender: drivers_license",
        (
            "streams.customers.map.gender: drivers_license is never kept "
            "(forbidden_fields): do not read it"
        ),
    ),
    (
        "webjoint",
        "facilityId, field: facility_ids}",
        "facilityId, field: shops}",
        "streams.sales.each.field: no field of the credential is called 'shops'",
    ),
]


@pytest.mark.parametrize(("platform", "right", "wrong", "what"), MISTAKES)
def test_a_mistake_is_told_with_its_line(platform: str, right: str, wrong: str, what: str) -> None:
    text = written(platform)
    assert right in text
    line = text[: text.index(right)].count("\n") + 1

    found = told(text.replace(right, wrong, 1), platform)

    lines = range(line, line + wrong.count("\n") + 1)
    said = re.escape(what).replace("…", ".*")
    about = re.findall(rf"^{platform}/profile\.yaml:(\d+): {said}$", found, re.MULTILINE)
    assert about, found
    assert int(about[0]) in lines, found


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


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("\x00", "is no YAML"),
        ("a: [1,\n2\nb: 3", "did not find expected ',' or ']'"),
        ("a: b: c", "mapping values are not allowed in this context"),
    ],
)
def test_what_is_no_yaml_is_told_with_the_line_where_it_begins(text: str, what: str) -> None:
    assert told(text, "x") == f"x/profile.yaml:1: {what}"


def test_keys_that_stand_twice_are_told_once_of_what_is_taken_over_elsewhere() -> None:
    twice = (("a", "k"), "stands again in line 1: leave one of them out")

    assert duplicate_keys("a: &x {k: 1, k: 2}\nb: *x") == [twice]
    assert duplicate_keys("a: &x [*x]") == []
    assert duplicate_keys("- {k: 1,\n  k: 2}") == [
        ((0, "k"), "stands again in line 2: leave one of them out")
    ]
    assert duplicate_keys("a: {<<: {b: 1}, <<: {c: 1}}") == []


DELETED = object()
MISFITS = [
    ("profitek", "streams/sales/page/filter/look_back/daily_days", 35, [""]),
    (
        "posabit",
        "credential/fields/0/max_length",
        1,
        ["credential.fields.store_name.example: is longer than max_length 1"],
    ),
    (
        "posabit",
        "credential/fields/1/pattern",
        DELETED,
        ["credential.fields.key: a secret needs a pattern"],
    ),
    (
        "posabit",
        "auth/0/secret",
        "store_name",
        ["auth.basic.secret: no secret field is called 'store_name'"],
    ),
    (
        "posabit",
        "auth/0/secret",
        "nobody",
        ["auth.basic.secret: no secret field is called 'nobody'"],
    ),
    ("profitek", "scope_field", "nobody", ["scope_field: no field is called 'nobody'"]),
    (
        "auphan",
        "scope_else",
        DELETED,
        ["scope_field: this field may be blank; say the scope then (scope_else)"],
    ),
    (
        "auphan",
        "credential/fields/0/host",
        False,
        ["credential.fields: an own server needs a field that is its address (host)"],
    ),
    ("posabit", "auth/0/scheme", "query", ["auth.basic: the scheme query needs its param"]),
    ("posabit", "auth/0/user", DELETED, ["auth.basic: the scheme basic needs its user"]),
    (
        "posabit",
        "endpoints/info/paths/other",
        "/v9/info",
        ["endpoints.info.paths: other is in auth or has a path, not both"],
    ),
    (
        "auphan",
        "endpoints/sales/json_query",
        DELETED,
        [
            (
                "evidence.endpoints.sales.json_query.body.report: marks what the profile does "
                "not have"
            ),
            (
                "evidence.endpoints.sales.json_query.body.variables: marks what the profile "
                "does not have"
            ),
        ],
    ),
    (
        "posabit",
        "streams/sales/endpoint",
        "nowhere",
        ["streams.sales.endpoint: no such endpoint: nowhere"],
    ),
    (
        "posabit",
        "endpoints/idle",
        {"paths": {"basic": "/a", "bearer": "/b"}},
        [
            "endpoints.idle: no stream and no probe asks it",
            "endpoints.idle: say the permission that a 403 means",
        ],
    ),
    (
        "posabit",
        "probes/1/permission",
        DELETED,
        ["probes.1: not_all_null and permission go together"],
    ),
    ("posabit", "probes/1/stream", DELETED, ["probes.1: say the stream that this endpoint lists"]),
    (
        "posabit",
        "streams/stores",
        DELETED,
        [
            "evidence.streams.stores.map: marks what the profile does not have",
            "evidence.streams.stores.map.key: marks what the profile does not have",
        ],
    ),
    ("posabit", "streams/sales/rows", DELETED, ["streams.sales: say where the rows are (rows)"]),
    (
        "posabit",
        "streams/customers/unique_in",
        DELETED,
        ["evidence.streams.customers.unique_in: marks what the profile does not have"],
    ),
    (
        "posabit",
        "streams/sales/unique_in",
        "shop",
        [("streams.sales.unique_in: no row says its shop (map's store_key), nor is one asked for")],
    ),
    (
        "posabit",
        "streams/sales/formerly",
        "scope",
        [
            (
                "streams.sales.formerly: only ids of a shop are taken over, and those that no "
                "return names"
            )
        ],
    ),
    (
        "posabit",
        "streams/sales/map/colour",
        "colour",
        ["streams.sales.map.colour: sales have no such field"],
    ),
    ("posabit", "streams/sales/map/total", DELETED, ["streams.sales.map: sales need total"]),
    (
        "posabit",
        "streams/sales/map/items/map/name",
        DELETED,
        ["streams.sales.map.items.map: items need name"],
    ),
    (
        "posabit",
        "streams/sales/map/items/map/colour",
        "colour",
        ["streams.sales.map.items.map.colour: items have no such field"],
    ),
    (
        "posabit",
        "streams/sales/map/items",
        "items",
        ["streams.sales.map.items: say {rows: where, map: …}"],
    ),
    (
        "posabit",
        "streams/inventory/named_by",
        ["sales"],
        ["streams.inventory.named_by: sales name no store (map's store_key)"],
    ),
    (
        "thsuite",
        "streams/stores/named_by",
        ["customers"],
        ["streams.stores.named_by: customers name no store (map's store_key)"],
    ),
    (
        "posabit",
        "streams/sales/map/is_void",
        {"of": "id", "at": "x", "take": 1, "parts": 2},
        ["streams.sales.map.is_void: is no id: only ids have parts"],
    ),
    (
        "posabit",
        "sale_words/type_sale",
        [],
        ["sale_words: type_sale and the map's sale_type go together"],
    ),
    (
        "posabit",
        "sale_words/type_return",
        [],
        ["sale_words: type_return and the map's sale_type go together"],
    ),
    ("posabit", "sale_words/final", [], ["sale_words: no word says that a sale is final"]),
    (
        "posabit",
        "evidence/no.such.place",
        "CODE",
        ["evidence.no.such.place: marks what the profile does not have"],
    ),
    ("posabit", "credential/steps/0", " ", ["credential.steps.0: is blank: leave it out"]),
    (
        "posabit",
        "credential/fields/0/max_length",
        0,
        [
            (
                "credential.fields.store_name.max_length: nothing fits: say how many "
                "characters at most"
            )
        ],
    ),
    (
        "posabit",
        "permission_notes/Other",
        "x",
        ["permission_notes.Other: is not among permissions: spell both alike"],
    ),
    (
        "posabit",
        "auth",
        [],
        [
            "evidence.auth.basic: marks what the profile does not have",
            "evidence.auth.bearer: marks what the profile does not have",
            "evidence.auth.basic.secret: marks what the profile does not have",
        ],
    ),
    (
        "posabit",
        "contacts/employee_types",
        [""],
        ["contacts.employee_types.0: is no word: leave it out"],
    ),
    (
        "posabit",
        "time/formats",
        ["%H:%M"],
        ["time.formats.0: the format '%H:%M' leaves out the year, the month or the day"],
    ),
    (
        "profitek",
        "time/formats",
        ["%Y-%Q"],
        [
            (
                "time.formats.0: no time can be read in the format '%Y-%Q': 'Q' is a bad "
                "directive in format '%Y-%Q'"
            )
        ],
    ),
    (
        "posabit",
        "base_url",
        "https://user@app.posabit.com",
        ["base_url: must be a host with a path at most, such as https://pos.example.com"],
    ),
    (
        "posabit",
        "streams/customers/unread",
        ["drivers_license"],
        [
            (
                "streams.customers.unread.0: drivers_license stands under forbidden_fields "
                "already: leave it out"
            )
        ],
    ),
    ("posabit", "platform", "thsuite", ["platform: is the folder's name: posabit"]),
    (
        "posabit",
        "sale_words/open",
        ["voided"],
        [
            "sale_words.open.0: 'voided' stands under void too: a word has one meaning",
            "sale_words.open.0: 'voided' can mean no sale but a void one",
        ],
    ),
    (
        "posabit",
        "contacts/placeholder_email_domains",
        ["posabit"],
        [("contacts.placeholder_email_domains.0: 'posabit' is no domain, such as example.com")],
    ),
    (
        "posabit",
        "streams/sales/map/total",
        "nested.drivers_license",
        [
            (
                "streams.sales.map.total: drivers_license is never kept (forbidden_fields): do "
                "not read it"
            )
        ],
    ),
]
"""A place of a profile, what is written there instead, and all that is told of it."""


@pytest.mark.parametrize(("platform", "place", "value", "faults"), MISFITS)
def test_parts_that_do_not_fit_are_told(
    platform: str, place: str, value: object, faults: list[str]
) -> None:
    raw = yaml.safe_load(written(platform))
    *within, last = [int(step) if step.isdigit() else step for step in place.split("/")]
    node = raw
    for step in within:
        node = node[step]
    if value is DELETED:
        del node[last]
    else:
        node[last] = value

    found = told(yaml.safe_dump(raw, sort_keys=False), platform)

    assert re.sub(r"^\S+:\d+: ", "", found, flags=re.MULTILINE).split("\n") == faults

"""Who is one shopper: examples of product.md §6, then the rules against the naive model."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.identity import (
    Component,
    MergeKey,
    SourceRecord,
    connected_components,
    is_shared_too_widely,
    merge_keys,
    scope_key,
    without_placeholders,
)
from chalicelib.domain.names import person_name
from chalicelib.domain.records import Customer
from tests.unit.domain import naive, strategies
from tests.unit.domain.builders import NOON, shared_keys, shopper, source_records
from tests.unit.domain.naive import Shopper

PHONE = "+12065550100"
OTHER_PHONE = "+12065550199"


def resolved(shoppers: Iterable[Shopper], *, name_and_birth_date: bool = False) -> list[Component]:
    shoppers = list(shoppers)
    shared = shared_keys(shoppers, name_and_birth_date=name_and_birth_date)
    return connected_components(
        source_records(shoppers), shared, name_and_birth_date=name_and_birth_date
    )


def ids(components: Iterable[Component]) -> list[list[str]]:
    return [[record.customer.ext_id for record in component.records] for component in components]


def partition(components: Iterable[Component]) -> set[frozenset[str]]:
    return {frozenset(record.id for record in component.records) for component in components}


# Keys


def test_a_shoppers_keys_are_phone_and_email() -> None:
    ada = Customer("1", "Ada", "Lee", phone=PHONE, email="ada@mail.test", birth_date="1990-02-03")

    keys = merge_keys(ada, name_and_birth_date=False)

    assert keys == {MergeKey("phone", PHONE), MergeKey("email", "ada@mail.test")}


def test_name_and_birth_date_are_a_key_only_where_the_account_turned_it_on() -> None:
    ada = Customer("1", "Ada", "Lee", birth_date="1990-02-03")

    assert merge_keys(ada, name_and_birth_date=False) == frozenset()
    assert {k.kind for k in merge_keys(ada, name_and_birth_date=True)} == {"name_dob"}


@pytest.mark.parametrize(
    "fields",
    [
        {"first": "", "last": "Lee", "birth_date": "1990-02-03"},
        {"first": "Ada", "last": " ", "birth_date": "1990-02-03"},
        {"first": "Ada", "last": "Lee", "birth_date": None},
        {"first": "Ada", "last": "Lee", "birth_date": "1990"},
    ],
)
def test_half_a_name_or_half_a_birth_date_is_no_key(fields: dict[str, str]) -> None:
    assert merge_keys(Customer("1", **fields), name_and_birth_date=True) == frozenset()


def test_names_are_equal_but_for_case_and_blanks_and_accents() -> None:
    one = Customer("1", "JOSE\u0301", "de  la Cruz", birth_date="1990-02-03")
    two = Customer("2", " Jos\u00e9", "De La Cruz ", birth_date="1990-02-03")
    bare = Customer("3", "Jose", "de la Cruz", birth_date="1990-02-03")
    other = Customer("4", "Jos\u00e9 de", "la Cruz", birth_date="1990-02-03")

    keys = [merge_keys(c, name_and_birth_date=True) for c in (one, two, bare, other)]

    assert keys[0] == keys[1] == keys[2]
    assert keys[0] != keys[3]


@pytest.mark.parametrize("filler", [".", "--", "N/A", "n/a", "None", "?"])
def test_a_filler_is_no_name(filler: str) -> None:
    first = Customer("1", filler, "Lee", birth_date="1990-02-03")
    last = Customer("2", "Ada", filler, birth_date="1990-02-03")

    assert merge_keys(first, name_and_birth_date=True) == frozenset()
    assert merge_keys(last, name_and_birth_date=True) == frozenset()


@pytest.mark.parametrize(
    "born", ["1900-01-01", "1901-01-01", "1899-12-30", "1753-01-01", "0001-01-01", "1970-01-01"]
)
def test_a_default_birth_date_is_no_key(born: str) -> None:
    assert merge_keys(Customer("1", "Ada", "Lee", birth_date=born), name_and_birth_date=True) == (
        frozenset()
    )


def test_a_key_is_shared_too_widely_from_the_ninth_record_of_one_scope() -> None:
    eight_each = {scope_key("posabit", "a"): 8, scope_key("posabit", "b"): 8}

    assert not is_shared_too_widely({})
    assert not is_shared_too_widely(eight_each)
    assert is_shared_too_widely({**eight_each, scope_key("posabit", "b"): 9})


# Joining


def test_records_that_share_no_key_stay_apart() -> None:
    one = shopper("1", phone=PHONE, first_seen=1)
    two = shopper("2", phone=OTHER_PHONE, first_seen=2)

    assert ids(resolved([two, one])) == [["1"], ["2"]]


def test_sharing_joins_transitively_and_across_platforms() -> None:
    one = shopper("1", phone=PHONE, first_seen=3)
    bridge = shopper("2", platform="thsuite", phone=PHONE, email="a@b.test", first_seen=2)
    three = shopper("3", platform="auphan", email="a@b.test", first_seen=1)

    assert ids(resolved([one, bridge, three])) == [["3", "2", "1"]]


def test_a_phone_and_an_email_that_look_alike_are_different_keys() -> None:
    one = shopper("1", phone="same")
    two = shopper("2", email="same")

    assert len(resolved([one, two])) == 2


def test_a_corrected_phone_parts_what_it_had_joined() -> None:
    one, two = shopper("1", phone=PHONE), shopper("2", phone=PHONE)

    before = resolved([one, two])
    after = resolved([one, shopper("2", phone=OTHER_PHONE)])

    assert len(before) == 1
    assert len(after) == 2


def test_records_without_any_key_are_each_alone() -> None:
    assert len(resolved([shopper("1"), shopper("2")])) == 2


def test_nothing_resolves_to_nothing() -> None:
    assert connected_components([], frozenset(), name_and_birth_date=True) == []


# Keys shared too widely


def family(size: int, **fields: str) -> list[Shopper]:
    return [shopper(str(n), phone=PHONE, first_seen=n, **fields) for n in range(size)]


def test_the_ninth_record_of_a_scope_splits_what_the_key_had_joined_and_the_eighth_rejoins_it() -> (
    None
):
    eight, nine = resolved(family(8)), resolved(family(9))

    assert [len(c.records) for c in eight] == [8]
    assert eight[0].shared_keys == frozenset()
    assert [len(c.records) for c in nine] == [1] * 9
    assert {c.shared_keys for c in nine} == {frozenset({MergeKey("phone", PHONE)})}
    assert ids(resolved(family(9)[1:])) == [[str(n) for n in range(1, 9)]]


def test_sixteen_records_of_two_scopes_are_not_shared_too_widely() -> None:
    both = family(8) + family(8, scope="venue-2")

    assert [len(c.records) for c in resolved(both)] == [16]


def test_a_widely_shared_phone_leaves_the_email_its_force() -> None:
    couple = [shopper("a", phone=PHONE, email="c@d.test"), shopper("b", email="c@d.test")]

    components = resolved(family(8) + couple)

    assert sorted(len(c.records) for c in components) == [1] * 8 + [2]
    assert next(c for c in components if len(c.records) == 2).shared_keys == {
        MergeKey("phone", PHONE)
    }


def strangers(count: int) -> list[Shopper]:
    """People with names and scopes of their own, all with the e-mail of the shop."""
    return [
        shopper(str(n), scope=f"v{n}", first="ABCDEFGH"[n], last=f"R{n}", email="office@shop.test")
        for n in range(count)
    ]


def test_the_sixth_person_by_name_splits_what_a_key_joined_over_all_scopes_and_five_rejoin() -> (
    None
):
    five, six = resolved(strangers(5)), resolved(strangers(6))

    assert [len(c.records) for c in five] == [5]
    assert [len(c.records) for c in six] == [1] * 6
    assert {c.shared_keys for c in six} == {frozenset({MergeKey("email", "office@shop.test")})}
    assert len(resolved(strangers(6)[1:])) == 1


def test_one_person_in_many_shops_is_one_however_the_name_is_written() -> None:
    names = [("Ana", "Ruíz"), ("ANA", "ruiz"), ("A.", "Ruiz"), ("Anna", "Ruiz ")]
    known = [
        shopper(str(n), scope=f"v{n}", first=names[n % 4][0], last=names[n % 4][1], phone=PHONE)
        for n in range(15)
    ]

    assert [len(c.records) for c in resolved(known)] == [15]


def test_those_without_a_name_count_as_one_person() -> None:
    fillers = [("", ""), (".", ""), ("N/A", "N/A"), ("", "-"), ("--", ".")]
    nameless = [
        shopper(f"n{n}", scope=f"n{n}", first=first, last=last, email="office@shop.test")
        for n, (first, last) in enumerate(fillers)
    ]

    assert len(resolved(strangers(4) + nameless)) == 1
    assert len(resolved(strangers(5) + nameless)) == 10


# Large components


def crowd(size: int) -> list[Shopper]:
    """One e-mail over many scopes; two of them share a phone."""
    return [
        shopper(
            str(n),
            scope=f"venue-{n // 8}",
            email="office@shop.test",
            phone=PHONE if n < 2 else f"+1206555{n:04d}",
            first_seen=10 * n,
        )
        for n in range(size)
    ]


def test_fifty_records_may_hang_together_by_an_email() -> None:
    (component,) = resolved(crowd(50))

    assert len(component.records) == 50
    assert not component.large


def test_more_than_fifty_records_are_joined_by_phone_only_and_flagged() -> None:
    components = resolved(crowd(51))

    assert ids(components) == [["0", "1"]] + [[str(n)] for n in range(2, 51)]
    assert all(component.large for component in components)


def test_more_than_fifty_records_with_one_phone_stay_together_and_flagged() -> None:
    people = [shopper(str(n), scope=f"venue-{n // 8}", phone=PHONE) for n in range(51)]

    (component,) = resolved(people)

    assert len(component.records) == 51
    assert component.large


def test_components_come_by_their_first_record_also_among_the_parts_of_a_large_one() -> None:
    stranger = shopper("stranger", phone=OTHER_PHONE, first_seen=105)

    order = [part[0] for part in ids(resolved([*crowd(51), stranger]))]

    assert order == ["0", *map(str, range(2, 11)), "stranger", *map(str, range(11, 51))]


def test_records_known_to_be_of_a_large_component_are_joined_by_phone_alone() -> None:
    mail = {"email": "a@b.test"}
    crowd = [shopper("1", phone=PHONE, **mail), shopper("2", phone=PHONE), shopper("3", **mail)]
    records = source_records([*crowd, shopper("other", phone=OTHER_PHONE, first_seen=NOON + 1)])
    large = {record.id for record in records[:3]}

    found = connected_components(
        records, frozenset(), name_and_birth_date=False, large=frozenset(large)
    )

    assert {frozenset(each) for each in ids(found)} == {
        frozenset({"1", "2"}),
        frozenset({"3"}),
        frozenset({"other"}),
    }
    assert [each.large for each in found].count(False) == 1


def test_a_shopper_alone_carries_the_shared_keys_of_the_account() -> None:
    ada = shopper("1", first="Ada", last="Lee", birth_date="1990-02-03", phone=PHONE)
    keys = merge_keys(ada.customer, name_and_birth_date=True)

    for on, shown in ((True, keys), (False, {MergeKey("phone", PHONE)})):
        [alone] = connected_components(
            source_records([ada]), keys, name_and_birth_date=on, large=frozenset()
        )
        assert (alone.shared_keys, alone.large) == (shown, False)
    record = source_records([ada])[0]
    [large] = connected_components(
        [record], keys, name_and_birth_date=True, large=frozenset({record.id})
    )
    assert large.large


def test_a_contact_that_the_account_takes_for_nobodys_is_none_and_flagged() -> None:
    [ada] = source_records([shopper("1", phone=PHONE, email="a@b.test")])

    def seen(*placeholders: str) -> tuple[str | None, str | None, frozenset[str]]:
        customer = without_placeholders(ada, frozenset(placeholders)).customer
        return customer.phone, customer.email, frozenset(customer.flags)

    assert without_placeholders(ada, frozenset({OTHER_PHONE})) is ada
    assert seen(PHONE) == (None, "a@b.test", {"placeholder_phone"})
    assert seen("a@b.test") == (PHONE, None, {"placeholder_email"})
    assert seen(PHONE, "a@b.test") == (None, None, {"placeholder_phone", "placeholder_email"})


# Against the naive model


@given(strategies.shoppers(), st.booleans(), st.randoms(use_true_random=False))
def test_the_partition_is_the_naive_models_in_any_order_and_repetition(
    shoppers: list[Shopper], by_name: bool, chance: random.Random
) -> None:
    expected = naive.expected_partition(shoppers, name_and_birth_date=by_name)
    told_again = shoppers + chance.sample(shoppers, len(shoppers) // 2)
    chance.shuffle(told_again)

    components = resolved(told_again, name_and_birth_date=by_name)

    assert partition(components) == expected
    assert components == resolved(shoppers, name_and_birth_date=by_name)


@settings(max_examples=30)
@given(strategies.crowds(), st.booleans())
def test_large_components_part_as_the_naive_model_says(
    shoppers: list[Shopper], by_name: bool
) -> None:
    components = resolved(shoppers, name_and_birth_date=by_name)

    assert partition(components) == naive.expected_partition(shoppers, name_and_birth_date=by_name)


@given(strategies.shoppers(), st.booleans())
def test_resolving_only_what_hangs_together_gives_the_same_as_resolving_everything(
    shoppers: list[Shopper], by_name: bool
) -> None:
    shared = shared_keys(shoppers, name_and_birth_date=by_name)
    everything = resolved(shoppers, name_and_birth_date=by_name)

    for component in everything:
        alone = connected_components(component.records, shared, name_and_birth_date=by_name)

        assert alone == [component]


@settings(max_examples=60)
@given(strategies.histories(), st.booleans(), st.integers(1, 5))
def test_resolving_only_what_a_change_touches_ends_where_the_naive_model_does(
    history: list[Shopper], by_name: bool, portion: int
) -> None:
    account = strategies.IncrementalAccount(name_and_birth_date=by_name)

    for start in range(0, len(history), portion):
        account.tell(history[start : start + portion])

    assert account.partition == naive.expected_partition(history, name_and_birth_date=by_name)


@given(strategies.shoppers())
def test_a_key_counts_as_shared_by_the_same_rule_as_in_the_naive_model(
    shoppers: list[Shopper],
) -> None:
    counts: dict[MergeKey, Counter[str]] = {}
    people: dict[MergeKey, set[str]] = {}
    for record in source_records(shoppers):
        customer = record.customer
        for key in merge_keys(customer, name_and_birth_date=False):
            scope = scope_key(record.platform, record.scope)
            counts.setdefault(key, Counter())[scope] += 1
            people.setdefault(key, set()).add(person_name(customer.first, customer.last))

    too_wide = {key for key in counts if is_shared_too_widely(counts[key], len(people[key]))}

    assert too_wide == naive.expected_shared_keys(shoppers)


def test_a_pushed_record_is_one_with_the_pulled_one_of_its_pos_id_and_scope() -> None:
    def record(name: str, scope: str, **told: Any) -> SourceRecord:
        return SourceRecord(name, "posabit", scope, Customer("7", **told), 0)

    pushed = record("p", "pushed", phone="+12065550001", pos_scope="north")
    pulled, other = record("n", "north"), record("s", "south")

    groups = connected_components([pushed, pulled, other], frozenset(), name_and_birth_date=False)

    assert [[r.id for r in group.records] for group in groups] == [["n", "p"], ["s"]]

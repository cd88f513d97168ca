"""Bad input for every credential field of every platform: each gets field, reason and example."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.credentials import DynamoCredentials
from chalicelib.entrypoints import wiring
from chalicelib.pos.profile import registry
from chalicelib.services.ports.pos import CredentialField
from tests.functional.gateway import OURS, Gateway, World

FIELDS = [(name, field) for name in registry.names() for field in registry.info(name).fields]

CONTROLS = ["a\x00b", "a\nb", "a\r\nX-Injected: 1", "a\tb", "a\x1b[31mb", "a\x7fb"]
UNSEEN = ["a\u200bb", "a\u202eb", "a\u2066b", "a\ufeffb", "a\u00adb", "a\u00a0b", "a\u2028b"]
LOOK_ALIKES = [
    "vt_4f1\u0441",  # a Cyrillic s
    "gr\u0435en",  # a Cyrillic e
    "\u0391pple",  # a Greek capital alpha
    "\uff4b\uff45\uff59\uff11",  # full-width letters
    "\U0001d424\U0001d41e\U0001d432",  # bold mathematical letters
]
BY_PATTERN = {
    "[!-~]{4,512}": ["abc", "with a blank", "schlüssel", "١٢٣٤", "🔑🔑🔑🔑"],
    "[1-9][0-9]{0,11}": [
        "0",
        "012",
        "twelve",
        "-12",
        "+12",
        "1.2",
        "0x12",
        "12a",
        "1 2",
        "\uff11\uff12",
        "١٢",
        "²³",
    ],
    "[0-9]{1,12}([ ,;]+[0-9]{1,12}){0,199}": ["all", "1, two", "1,,", ",1", "1/2", "1-3", "[1]"],
}
"""Of values that the pattern allows, what comes near it."""
ADDRESSES = [
    "192.101.102.103",
    ":25565",
    "192.101.102.103:",
    "192.101.102.103:0",
    "192.101.102.103:65536",
    "192.101.102.103:25565:1",
    "192.101.102.103:+25565",
    "192.101.102.103:025565",
    "3227874919:25565",  # decimal
    "0xC0656667:25565",  # hexadecimal
    "0xC0.0x65.0x66.0x67:25565",
    "030031263147:25565",  # octal
    "0300.0145.0146.0147:25565",
    "192.101.26215:25565",
    "[::1]:25565",
    "[fd00::1]:25565",
    "[::ffff:10.0.0.1]:25565",
    "[64:ff9b::a00:1]:25565",
    "[2002:a00:1::]:25565",
    "2001:db8::7:25565",
    "[fe80::1%eth0]:25565",
    "user@192.101.102.103:25565",
    "user:pass@192.101.102.103:25565",
    "192.101.102.103:25565@10.0.0.1:80",
    "192.101.102.103:25565/",
    "192.101.102.103:25565/reports/api.php",
    "192.101.102.103:25565?a=b",
    "192.101.102.103:25565#a",
    "http://192.101.102.103:25565",
    "https://192.101.102.103:25565",
    "//192.101.102.103:25565",
    "127.0.0.1:25565",
    "10.0.0.1:25565",
    "169.254.169.254:8080",
    "localhost:25565",
    "192.101.102.103:22",
    "192\u3002101\u3002102\u3002103:25565",
    "\uff11\uff19\uff12.101.102.103:25565",
    "192.101.102.103:\uff12\uff15\uff15\uff16\uff15",
    "exampl\u0435.com:25565",
    "example.com\u200b:25565",
    "a" * 300 + ".example.com:25565",
]


@pytest.fixture(autouse=True)
def tables(world: World) -> None:
    """Something to store in, so that nothing stored can be seen."""
    DynamoCredentials("integrations-under-test")
    CredentialRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    for limit in ("checks", "credential_changes"):
        wiring.outside.raised_limits().put(OURS, limit, 10_000)


def id_of(case: object) -> str:
    return case.key if isinstance(case, CredentialField) else str(case)


def bad_values(field: CredentialField) -> Iterator[str]:
    """What no such field may hold."""
    if field.required:
        yield from ("", " ", "\t\n", "\u3000")
    yield "a" * (field.max_length + 1)
    yield "a" * 4001
    yield from (*CONTROLS, *UNSEEN, *LOOK_ALIKES)
    yield from BY_PATTERN.get(field.pattern or "", ())
    if field.host:
        yield from ADDRESSES


@pytest.mark.parametrize(("platform", "field"), FIELDS, ids=id_of)
def test_bad_input_gets_the_field_the_reason_and_an_example(
    api: Gateway, platform: str, field: CredentialField
) -> None:
    path = f"/api/accounts/{OURS}/integrations/{platform}/credentials"
    good = {each.key: each.example for each in registry.info(platform).fields if not each.host}

    for value in bad_values(field):
        for url in (path, f"{path}/check"):
            got = api.post(url, {"fields": good | {field.key: value}})

            assert got.status == 422, (value, got.text)
            faults = {fault["field"]: fault for fault in got.json["errors"]}
            assert set(faults) == {f"fields.{field.key}"}, (value, got.text)
            fault = faults[f"fields.{field.key}"]
            assert fault["reason"], value
            assert fault["example"] == field.example, (value, got.text)
            assert not field.secret or len(value) < 5 or value not in got.text

    assert wiring.outside.credentials().for_integration(OURS, platform) == []


def test_every_way_to_write_a_bad_address_gets_the_same_answer(api: Gateway) -> None:
    for platform in ("auphan", "profitek"):
        path = f"/api/accounts/{OURS}/integrations/{platform}/credentials/check"
        good = {each.key: each.example for each in registry.info(platform).fields}

        answers = {
            api.post(path, {"fields": good | {"host": address}}).json["detail"]
            for address in ADDRESSES
        }

        assert len(answers) == 1


def test_every_pattern_has_its_near_misses() -> None:
    assert {field.pattern for _, field in FIELDS if field.pattern} <= set(BY_PATTERN)

"""What a person leaves in a row that a POS sent: contacts in any notation, and the POS's id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

NATIONAL_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Traces:
    """`numbers`: the last ten digits of phones; `addresses`: e-mails in lower case; `ext_ids`: the
    POS's ids of the person; `raw`: contacts as the POS wrote them."""

    numbers: frozenset[str]
    addresses: frozenset[str]
    ext_ids: frozenset[str]
    raw: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        phones: Sequence[str],
        emails: Sequence[str],
        ext_ids: Sequence[str],
        raw: Sequence[str] = (),
    ) -> Traces:
        numbers = frozenset(_digits(phone)[-NATIONAL_DIGITS:] for phone in phones)
        return cls(
            numbers,
            frozenset(email.lower() for email in emails),
            frozenset(ext_ids),
            frozenset(text.strip().lower() for text in raw if text.strip()),
        )

    def mark(self, value: object) -> bool:
        """Whether a value that JSON holds, or any value in it, is of this person."""
        return any(self._marks(text) for text in _texts(value))

    def _marks(self, text: str) -> bool:
        if text in self.ext_ids:
            return True
        lowered, digits = text.strip().lower(), _digits(text)
        if lowered in self.raw or any(address in lowered for address in self.addresses):
            return True
        return any(number in digits for number in self.numbers)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)

"""How Auphan prints money and clocks, as the variables of a report ask for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from simulators.retailer.zones import offset

NO_BREAK = "\u00a0"
DEFAULT_DATE = "M d, Y"


def plain_money(cents: int) -> str:
    """`-1234.56`."""
    whole, fraction = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{fraction:02d}"


def english_money(cents: int) -> str:
    """`-$1,234.56`."""
    whole, fraction = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}${whole:,}.{fraction:02d}"


def french_money(cents: int) -> str:
    """`-1 234,56 $`; both blanks are no-break spaces."""
    whole, fraction = divmod(abs(cents), 100)
    grouped = f"{whole:,}".replace(",", NO_BREAK)
    return f"{'-' if cents < 0 else ''}{grouped},{fraction:02d}{NO_BREAK}$"


# The letters of PHP's `date`; every other character stands for itself.
_LETTERS: dict[str, Callable[[datetime], str]] = {
    "d": lambda at: f"{at.day:02d}",
    "j": lambda at: str(at.day),
    "D": lambda at: at.strftime("%a"),
    "m": lambda at: f"{at.month:02d}",
    "n": lambda at: str(at.month),
    "M": lambda at: at.strftime("%b"),
    "F": lambda at: at.strftime("%B"),
    "Y": lambda at: f"{at.year:04d}",
    "y": lambda at: f"{at.year % 100:02d}",
    "H": lambda at: f"{at.hour:02d}",
    "G": lambda at: str(at.hour),
    "h": lambda at: f"{(at.hour + 11) % 12 + 1:02d}",
    "g": lambda at: str((at.hour + 11) % 12 + 1),
    "i": lambda at: f"{at.minute:02d}",
    "s": lambda at: f"{at.second:02d}",
    "A": lambda at: "AM" if at.hour < 12 else "PM",
    "a": lambda at: "am" if at.hour < 12 else "pm",
}
Show = Callable[[datetime], str]


@lru_cache(maxsize=64)
def date_format(layout: str) -> Show:
    """A function that lays out a date and time as PHP's `date` does; `\\T` is a plain T."""
    parts: list[str | Show] = []
    letters = iter(layout)
    for letter in letters:
        if letter == "\\":
            parts.append(next(letters, ""))
        else:
            parts.append(_LETTERS.get(letter, letter))

    def show(at: datetime) -> str:
        return "".join([part if isinstance(part, str) else part(at) for part in parts])

    return show


def on_the_wall(instant: int, rails_zone: str) -> datetime:
    """The time on the store's clock, in a datetime that says UTC."""
    return datetime.fromtimestamp((instant + offset(rails_zone, instant)) / 1000, tz=UTC)

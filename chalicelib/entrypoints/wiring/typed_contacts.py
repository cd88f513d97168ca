"""Readers of phones and e-mails that somebody typed."""

from __future__ import annotations


def read_contact(typed: str) -> str | None:
    """Return a typed phone in E.164 or an e-mail in lower case, None if it can be neither."""
    from chalicelib.pos.rows.contacts import email

    if "@" not in typed:
        return read_phone(typed)
    address, flag = email(typed.strip(), frozenset())
    return typed.strip().lower() if flag == "placeholder_email" else address


def read_phone(typed: str) -> str | None:
    """Return a typed phone in E.164, None if it cannot be one."""
    from chalicelib.pos.rows.contacts import phone

    return phone(typed, "US")[0]


def read_typed_phone(typed: str) -> tuple[str | None, str | None]:
    """The `ReadContact` of phones."""
    from chalicelib.pos.rows.contacts import phone

    return phone(typed, "US")


def read_typed_email(typed: str) -> tuple[str | None, str | None]:
    """The `ReadContact` of e-mails."""
    from chalicelib.pos.rows.contacts import email

    return email(typed, frozenset())


def can_be_mobile(number: str) -> bool:
    """Whether an E.164 number may be a mobile of the US or Canada."""
    from chalicelib.pos.rows.contacts import can_be_mobile as can

    return can(number)


def north_american(typed: str) -> str | None:
    """Return a typed number of the US or Canada in E.164, None if it cannot be one."""
    from chalicelib.pos.rows.contacts import north_american

    return north_american(typed)

"""How shoppers are searched and created in a POS that AIQ may write to, and how its own discounts
are listed, as `profile.yaml` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from chalicelib.pos.profile.paging import ProfilePart
from chalicelib.pos.profile.path import Key

Written = Literal["as_is", "national"]
"""`national`: a phone as ten digits, without the country's 1."""
SearchedBy = Literal["phone", "email"]
NewShopperField = Literal["first", "last", "phone", "email", "birth_date", "state"]


class SearchFilter(ProfilePart):
    """The parameter that lists who carries a contact, and how the contact is written in it."""

    param: str
    write: Written = "as_is"


class ShopperSearch(ProfilePart):
    """Lists shoppers by a contact; the endpoint's rows are those of the customers' stream."""

    endpoint: str
    by: Mapping[SearchedBy, SearchFilter] = Field(min_length=1)


class ShopperCreate(ProfilePart):
    """Creates a shopper. `wrap`: the key that the body is wrapped in. `map`: the POS's field → what
    AIQ knows of the shopper; `phone`: how a number is written. `constants` go along. `taken`:
    lower-cased words of a refusal that says that such a shopper is there already."""

    endpoint: str
    wrap: Key | None = None
    map: Mapping[Key, NewShopperField]
    phone: Written = "as_is"
    constants: Mapping[Key, str | bool] = Field(default_factory=dict)
    taken: tuple[str, ...] = ()


class ShopperWrites(ProfilePart):
    """All that AIQ asks of a POS to create a shopper there once."""

    search: ShopperSearch
    create: ShopperCreate


class OwnDiscounts(ProfilePart):
    """Lists the discounts that the POS has of its own. `rows`: the key of the answer that holds
    them; `name`: what a discount is called; `id`: its own id, where rows tell one; `active`: a row
    that says false there is passed over.
    `page`: the parameter that counts pages from 1; `pages`: the key that says how many there are;
    `params` go along."""

    endpoint: str
    rows: Key
    name: Key
    id: Key | None = None
    active: Key | None = None
    page: str
    pages: Key
    params: Mapping[str, str] = Field(default_factory=dict)

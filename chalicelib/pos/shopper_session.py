"""Searches a POS for shoppers by their contacts, and creates one (the `ShopperSession` port)."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.errors import FilterIgnored, UnexpectedAnswer
from chalicelib.domain.records import Customer
from chalicelib.pos.asking.auth_variants import AuthVariants
from chalicelib.pos.paging.response_page import Json, response_page
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.profile.shoppers import SearchedBy, ShopperWrites, Written
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normaliser
from chalicelib.services.ports.contact_sync import NewShopper
from chalicelib.services.ports.pos import CredentialAccess

_COUNTRY = "+1"


class ShopperWriter:
    """One credential's conversation about single shoppers."""

    def __init__(
        self,
        profile: Profile,
        writes: ShopperWrites,
        access: CredentialAccess,
        auth: AuthVariants,
    ) -> None:
        self._profile = profile
        self._writes = writes
        self._auth = auth
        setting = Setting(
            store_key=(access.scope or "") if profile.one_store else "",
            time_zone=access.time_zone,
            currency=access.currency,
        )
        self._rows = Normaliser(profile, "customers", setting)

    def find(self, phone: str | None, email: str | None) -> tuple[Customer, ...]:
        """Return whoever carries one of these contacts; see the port for what it raises."""
        wanted: tuple[tuple[SearchedBy, str | None], ...] = (("phone", phone), ("email", email))
        found: dict[str, Customer] = {}
        for kind, contact in wanted:
            if contact and kind in self._writes.search.by:
                found.update({each.ext_id: each for each in self._carriers(kind, contact)})
        return tuple(found.values())

    def create(self, shopper: NewShopper) -> str | None:
        """Create the shopper and return the POS's id, None where its answer does not tell one."""
        create = self._writes.create
        fields: dict[str, Any] = {**create.constants}
        for name, source in create.map.items():
            value = getattr(shopper, source)
            if value and source == "phone":
                value = _written(value, create.phone)
            if value:
                fields[name] = value
        body = {create.wrap: fields} if create.wrap else fields
        return self._auth.post(create.endpoint, body, create, self._created_id)

    def close(self) -> None:
        self._auth.transport.close()

    def _carriers(self, kind: SearchedBy, contact: str) -> list[Customer]:
        """A POS passes over a filter that it does not know, and lists everybody: that nobody whom
        it lists has the contact says nothing."""
        search = self._writes.search
        stream = self._profile.streams["customers"]
        by = search.by[kind]
        params = {by.param: _written(contact, by.write)}

        def read(body: Json) -> list[Json]:
            return response_page(body, stream, search.endpoint).rows

        rows = self._auth.get(search.endpoint, params, read)
        facts = [fact for fact in self._rows.page(rows).facts if isinstance(fact, Customer)]
        carriers = [fact for fact in facts if getattr(fact, kind) == contact]
        if rows and not carriers:
            raise FilterIgnored(f"{self._profile.title} does not search shoppers by their {kind}.")
        return carriers

    def _created_id(self, body: Json) -> str | None:
        if not isinstance(body, dict):
            raise UnexpectedAnswer(f"{self._profile.title} did not say what it created.")
        unwrap = self._profile.streams["customers"].unwrap
        row = unwrap.value(body) if unwrap else body
        facts = self._rows.page([row if isinstance(row, dict) else body]).facts
        return next((fact.ext_id for fact in facts if isinstance(fact, Customer)), None)


def _written(contact: str, form: Written) -> str:
    return contact.removeprefix(_COUNTRY) if form == "national" else contact

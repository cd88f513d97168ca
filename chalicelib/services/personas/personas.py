"""Personas as people look them up (product.md §6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from chalicelib.domain.contact_states import consent_of_person
from chalicelib.domain.identity import MergeKey, SourceRecord
from chalicelib.domain.ids import is_record_id, record_id, store_key_id
from chalicelib.domain.names import name_key, name_prefix
from chalicelib.domain.persona_parts import joined_pairs, profile_origins
from chalicelib.domain.personas import Persona
from chalicelib.domain.pulled_facts import KEPT_FLAG, KEPT_NOTE
from chalicelib.domain.why import Titles, why_asked, why_member
from chalicelib.domain.words import ConsentState, KeyKind, Uid
from chalicelib.services.derivation.holder import DerivedPersona, PersonaLookup
from chalicelib.services.personas.sale_pages import sale_page
from chalicelib.services.ports.consent import ContactStates
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.persona_list import PersonaList
from chalicelib.services.ports.personas import (
    PersonaFilter,
    PersonaMember,
    PersonaRow,
    PersonaSale,
    PersonaView,
    SaleLine,
)
from chalicelib.services.ports.stored_facts import SaleId, StoredSale
from chalicelib.services.ports.stores import Stores

LAST = "~"
"""Sorts a persona without a name behind all others."""

MOST_FOUND = 100
"""Personas shown for one exact phone, e-mail or source id."""

ReadPhone = Callable[[str], str | None]
"""A phone as typed → E.164, None for what cannot be one."""


@dataclass(frozen=True, slots=True)
class PersonaService:
    """Implements `PersonaViews`: looks personas up and derives the one that is opened.

    `titles`: the platforms' names for people. `states`: the consent of phone numbers.
    """

    facts: FactStore
    personas: PersonaList
    stores: Stores
    lookup: PersonaLookup
    titles: Callable[[], Titles]
    read_phone: ReadPhone
    states: ContactStates

    def search(
        self, uid: Uid, wanted: PersonaFilter, limit: int, after: str | None
    ) -> tuple[list[PersonaRow], str | None]:
        """See `PersonaViews.search`."""
        named = self._named_exactly(uid, wanted)
        if named:
            return self._page_of_named(uid, named, wanted, limit, after)
        if wanted.name or wanted.sort == "name":
            prefix = name_prefix(wanted.name or "")
            descending = wanted.sort == "name" and wanted.descending
            ids, position = self.personas.by_name(uid, prefix, limit, after, descending=descending)
        else:
            newest_first = wanted.descending
            ids, position = self.personas.by_arrival(uid, limit, after, newest_first=newest_first)
        found = [p for p in self._stored(uid, ids) if _matches(p, wanted)]
        return self._rows(uid, found), position

    def get(self, uid: Uid, contact_id: str) -> PersonaView:
        """See `PersonaViews.get`."""
        derived = self.lookup.by_record(uid, contact_id)
        persona, titles = derived.persona, self.titles()
        return PersonaView(
            row=_row(persona, self._consent(uid, derived)),
            birth_date=persona.birth_date,
            merged_ids=tuple(rid for rid in persona.members if rid != persona.id),
            members=tuple(_member(record) for record in derived.records),
            why_member=tuple(why_member(persona, derived.records, derived.terms, titles)),
            why_asked=tuple(why_asked(persona, derived.terms, titles)),
            joins=joined_pairs(
                derived.records,
                derived.shared_keys,
                name_and_birth_date=derived.terms.merge_on_name_and_birth_date,
                phones_only="large_component" in persona.flags,
            ),
            won=profile_origins(derived.records, derived.terms.rules),
        )

    def sales(
        self, uid: Uid, contact_id: str, limit: int, after: str | None
    ) -> tuple[list[PersonaSale], str | None]:
        """See `PersonaViews.sales`."""
        persona = self.lookup.by_record(uid, contact_id).persona
        page, position = sale_page(self.personas, uid, persona.members, limit, after)
        ids = [SaleId(ref.platform, ref.scope, ref.ext_id) for _, ref in page]
        sales = self.facts.sales(uid, ids)
        mapping = self.stores.mapping(uid)
        return [_sale(sales[sid], mapping) for sid in ids if sid in sales], position

    def _page_of_named(
        self,
        uid: Uid,
        named: list[AbstractSet[str]],
        wanted: PersonaFilter,
        limit: int,
        after: str | None,
    ) -> tuple[list[PersonaRow], str | None]:
        """Return a page of the personas that have a record in each set, and match the rest."""
        fewest = min(named, key=len)
        prefix = name_prefix(wanted.name or "")
        matching = {
            _position(persona, wanted): persona
            for persona in self.lookup.personas_of(uid, sorted(fewest)[:MOST_FOUND])
            if all(not records.isdisjoint(persona.members) for records in named)
            and name_key(persona.first, persona.last).startswith(prefix)
            and _matches(persona, wanted)
        }
        positions = sorted(matching, reverse=wanted.descending)
        if after is not None:
            positions = [p for p in positions if (p < after if wanted.descending else p > after)]
        last = positions[limit - 1] if len(positions) > limit else None
        return self._rows(uid, [matching[position] for position in positions[:limit]]), last

    def _named_exactly(self, uid: Uid, wanted: PersonaFilter) -> list[AbstractSet[str]]:
        """Return for each exact filter the records it names."""
        named: list[AbstractSet[str]] = []
        if wanted.phone is not None:
            phone = self.read_phone(wanted.phone)
            named.append(self._carriers(uid, "phone", phone))
        if wanted.email is not None:
            email = wanted.email.strip().lower()
            named.append(self._carriers(uid, "email", email))
        if wanted.contact_id is not None:
            named.append({wanted.contact_id} if is_record_id(wanted.contact_id) else set())
        if wanted.source_id is not None:
            named.append(self._with_source_id(uid, wanted.source_id))
        return named

    def _carriers(self, uid: Uid, kind: KeyKind, value: str | None) -> AbstractSet[str]:
        return self.lookup.carriers(uid, MergeKey(kind, value)).keys() if value else set()

    def _with_source_id(self, uid: Uid, source_id: str) -> set[str]:
        scopes = {(key.platform, key.scope) for key in self.stores.keys(uid)}
        return {record_id(uid, platform, scope, source_id) for platform, scope in scopes}

    def _rows(self, uid: Uid, personas: Sequence[Persona]) -> list[PersonaRow]:
        """Return the lines of these personas, with their consent to texts."""
        numbers = self._numbers(uid, personas)
        asked = sorted({number for of_one in numbers.values() for number in of_one})
        states = self.states.eventual_states(uid, asked) if asked else {}
        return [_row(p, consent_of_person(p.texted_at, numbers[p.id], states)) for p in personas]

    def _numbers(self, uid: Uid, personas: Sequence[Persona]) -> dict[str, tuple[str, ...]]:
        """Return the distinct phones of each persona's records, by its id."""
        merged = [rid for p in personas if len(p.members) > 1 for rid in p.members]
        rows = self.facts.rows(uid, merged) if merged else {}
        numbers = {}
        for persona in personas:
            stored = [rows[rid].stored for rid in persona.members if rid in rows]
            others = [row.record.customer.phone for row in stored if row is not None]
            phones = dict.fromkeys([persona.texted_at, persona.phone, *others])
            numbers[persona.id] = tuple(phone for phone in phones if phone)
        return numbers

    def _consent(self, uid: Uid, derived: DerivedPersona) -> ConsentState:
        numbers = derived.numbers()
        states = self.states.eventual_states(uid, numbers) if numbers else {}
        return consent_of_person(derived.persona.texted_at, numbers, states)

    def _stored(self, uid: Uid, ids: list[str]) -> list[Persona]:
        rows = self.facts.rows(uid, ids)
        return [persona for rid in ids if (persona := rows[rid].persona) is not None]


def _position(persona: Persona, wanted: PersonaFilter) -> str:
    """Return where the persona comes in the order asked for."""
    if wanted.sort == "name":
        return f"{name_key(persona.first, persona.last) or LAST}#{persona.id}"
    return f"{persona.inserted_at:015d}#{persona.id}"


def _matches(persona: Persona, wanted: PersonaFilter) -> bool:
    if wanted.source is not None and wanted.source not in persona.sources:
        return False
    return persona.member or not wanted.member


def _row(persona: Persona, consent: ConsentState) -> PersonaRow:
    return PersonaRow(
        id=persona.id,
        first=persona.first,
        last=persona.last,
        phone=persona.phone,
        email=persona.email,
        sources=persona.sources,
        favourite_store=persona.favourite_store,
        member=persona.member,
        points=persona.points,
        flags=tuple(sorted(persona.flags)),
        inserted_at=persona.inserted_at,
        updated_at=persona.updated_at,
        consent=consent,
    )


def _member(record: SourceRecord) -> PersonaMember:
    customer = record.customer
    return PersonaMember(
        id=record.id,
        platform=record.platform,
        scope=record.scope,
        ext_id=customer.ext_id,
        first=customer.first,
        last=customer.last,
        phone=customer.phone,
        email=customer.email,
        birth_date=customer.birth_date,
        first_seen=record.first_seen,
        updated_at=customer.updated_at,
        flags=tuple(sorted(customer.flags)),
        note=KEPT_NOTE if KEPT_FLAG in customer.flags else None,
    )


def _sale(stored: StoredSale, mapping: Mapping[str, int]) -> PersonaSale:
    sid, sale = stored.id, stored.sale
    return PersonaSale(
        platform=sid.platform,
        scope=sid.scope,
        ext_id=sid.ext_id,
        record=stored.record or "",
        number=sale.number,
        kind=sale.kind,
        status=sale.status,
        is_final=sale.happened,
        gone=sale.gone,
        ordered_at=sale.ordered_at,
        ordered_at_text=sale.ordered_at_text,
        store_key=sale.store_key,
        store=mapping.get(store_key_id(sid.platform, sid.scope, sale.store_key)),
        currency=sale.currency,
        total=sale.total,
        discount=sale.discount,
        tax=sale.tax,
        items=tuple(
            SaleLine(i.name, i.quantity, i.total, i.category, i.brand, i.returned)
            for i in sale.items
        ),
        flags=tuple(sorted(sale.flags)),
    )

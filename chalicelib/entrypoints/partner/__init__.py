"""What a POS calls (product.md §11, partner-api.md): AIQ's public API, behind the front of
`front.py`: `X-APIKEY`, AIQ's envelope, unknown fields passed over.

A resource is written as the dashboard's are (`entrypoints/dashboard/__init__.py`), with

- `right`: the bucket that the call counts in, `till`, `push` or `read` (partner-api.md S12);
- `caller: Sender`: the key, its account (`caller.uid`), platform and box (S1);
- models of `entrypoints/http/shapes.py`, whose aliases are AIQ's names of fields;
- `Idempotency-Key` for free: `front.py` honours it on every call (S14);
- warnings: an answer with `warnings` (`shapes.Warned`) has them within `data` (S22).

A `uid` of the path is another account's: 403 with the words of a wrong key. Any other id that is
not the account's is 404 (S2): raise `domain.errors.NotFound`; a business refusal is 409, 410 or
422, never 401 or 403. Path variables keep one name for one place: `{uid}`, `{contact_id}`, `{pii}`,
`{phone}`, `{email}`, `{state}`.
"""

"""The dashboard's API: one module per resource, behind the front of `front.py` (Cognito, roles,
problem documents). A function and its annotations are the whole route.

To add a resource, write `dashboard/<resource>.py`:

    resource = Resource(__name__, tag="Stores", front=FRONT)

    @resource.get("/api/accounts/{uid}/stores/{store}", right="stores:read")
    def get_store(uid: Uid, store: int) -> StoreAnswer:
        "One line: the summary shown in OpenAPI."
        return StoreAnswer.model_validate(wiring.outside.stores().get(uid, store))

    @resource.patch("/api/accounts/{uid}/stores/{store}", right="stores:write")
    def change_store(uid: Uid, store: int, body: StoreChange, version: int, caller: Caller)
        -> StoreAnswer: ...

and register it in `app.py`: `app.register_blueprint(stores.resource)`. What a function asks for by
parameter name is read, checked and given; nothing else is parsed:

- a name in the path's braces: that value, `str` or `int` (what is no such id is 404);
- `query: SomeModel`, `body: SomeModel`: subclasses of `shapes.Input` in `http/` (`shapes.Listing`
  for pages); unknown, ill-typed and missing fields are 422 with field, reason and example, a body
  that is no JSON 400, over 256 KB 413;
- `version: int`: the route needs `If-Match` (428 without it); hand it to the service, whose
  `StaleVersion` becomes 412. An answer with a `version` field gets its ETag by itself;
- `idempotency_key: str`: the route needs `Idempotency-Key` (400 without it);
- `caller: Caller`: who asks (`caller.actor` for audit, `caller.role`).

The annotated answer is a `shapes.Answer` (built `from_attributes`, so a service's dataclass fits),
or None for 204; `status=201` or `202` on the decorator says otherwise than 200. A path with `{uid}`
needs a `right` of `domain/roles.py`: another account's id is 404, a role without it 403.
What asks a POS, starts work or writes to people takes a `limit` of `domain/limits.py` too: beyond
it 429. Where the service has a limit of its own, `limited=True` says so in the document.

Errors are raised, never returned: `domain/errors.py` `RequestError` and its kin (their `details`
become members of the problem document, so put no secrets there). A page cursor goes through
`front.cursors()`, its `seal` and `unseal`. Services come from `wiring/`, one cached builder each;
add yours there. A function calls one service and shapes its answer; anything more belongs in a
service.

Path variables keep one name for one place everywhere, because API Gateway allows only one:
`{uid}`, `{platform}`, `{credential}`, `{run}`, `{store}`, `{contact_id}`, `{sub}`.

After adding routes: `python -m tools.openapi` rewrites `docs/reference/openapi.json`, and
`tests/functional/test_every_route.py` covers tenancy, log-in and rights by itself.
"""

"""Write a sample of every stored row, message and position into `tests/data/stored`.

It was run at commit b7f5ada, before modules moved and messages were rewritten. The files are what
that code stored: they are never written again, except when a row is added on purpose. Without
`--again` it refuses to replace them:

    PYTHONHASHSEED=0 python -m tests.data.write_stored --again

Services and adapters write everything; nothing is typed here that they could write.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import date
from time import sleep
from typing import Any, cast

import boto3

from chalicelib.adapters.dynamo.consent import DynamoConsent
from chalicelib.domain.acts import Join
from chalicelib.domain.contact_states import ContactState
from chalicelib.domain.ids import record_id, store_key_id
from chalicelib.domain.records import STREAMS, Customer, Reject
from chalicelib.domain.rules import Rules, Source
from chalicelib.domain.texting import TextingRules
from chalicelib.entrypoints import wiring
from chalicelib.services.changes.preview import token_of
from chalicelib.services.job_messages.account_jobs import (
    ApplyMessage,
    ExpiryMessage,
    PreviewMessage,
    RemapMessage,
)
from chalicelib.services.job_messages.sync_messages import SyncMessage
from chalicelib.services.job_messages.text_jobs import InboundText, LostText, RequestJob, SendTest
from chalicelib.services.ports.accounts import User
from chalicelib.services.ports.integrations import AgeGate, Credential, FlagTrust, Integration
from chalicelib.services.ports.pos import HostTrust, PosSession, StreamPlan
from chalicelib.services.ports.runs import RunError, RunView, StreamTotals
from chalicelib.services.ports.stores import Store, StoreKeySighting
from chalicelib.services.ports.texting import Switch, TextUnknown
from chalicelib.services.sync.progress import Progress, StreamProgress
from tests.contract.bench import bench_of, id_of
from tests.data.stored_facts import (
    ANA,
    ANN,
    BEN,
    BENS,
    BIG,
    CLEO,
    JAR,
    LONG,
    LOYALTY,
    OLD_ANA,
    POSABIT,
    TEXTING,
    a_sale,
    at,
    day,
)
from tests.functional.gateway import OURS, THEIRS
from tests.functional.stored import (
    FOLDER,
    QUEUES,
    SIZE,
    SIZES,
    TABLES,
    Deployment,
    a_deployment,
    kind_of,
    touch,
)

COMMIT = "b7f5ada"
PLATFORMS = ("posabit", "thsuite", "webjoint", "auphan", "profitek")
CURSORS = 2


class Died(BaseException):
    """The worker's process ends here."""


def never() -> bool:
    """Time is up after each page."""
    return False


def ours(ext_id: str, platform: str = "posabit", scope: str = "north") -> str:
    return record_id(OURS, platform, scope, ext_id)


# -- what happens in the accounts ----------------------------------------------------------------


def open_account(_: Deployment) -> None:
    accounts = wiring.outside.accounts()
    accounts.update(replace(accounts.get(OURS), merge_on_name_and_birth_date=True))
    accounts.add_user(User(OURS, "sub-gone", "gone@example.com", "Analyst", active=False))


def connect(_: Deployment) -> None:
    """A card with everything set, and a credential of the retailer's own server."""
    clock = wiring.outside.clock()
    wiring.outside.integrations().save(
        Integration(
            OURS,
            "posabit",
            state="connected",
            age_gate=AgeGate(ANN, clock.now()),
            settings={"enroll_after": "2026-01-15", "points_imported_on": "2026-02-01"},
            connected_at=clock.now(),
            sms_from=at("2026-05-01T00:00:00Z"),
            sms_before="2026-04-15",
            flag_trust=FlagTrust(ANN, clock.now()),
        )
    )
    wiring.outside.integrations().save(
        Integration(OURS, "profitek", state="connected", sms_stopped=True)
    )
    sealed = wiring.outside.key_ring().seal(OURS, "crd_own", {"auth_key": "not-a-real-secret-1"})
    wiring.outside.credentials().add(
        Credential(
            OURS,
            "profitek",
            "crd_own",
            "Kitsilano",
            {"custom_ip": "203.0.113.5:25565", "store_name": "Kitsilano"},
            sealed.sealed,
            sealed.fingerprints,
            sealed.last_four,
            market="BC",
            history_from=at("2025-05-01T00:00:00Z"),
            created_at=at("2026-04-01T00:00:00Z"),
            own_server=True,
            trust=HostTrust(allow_http=True, accept_certificate=True, certificate="ab" * 32),
        )
    )
    wiring.outside.credentials().record_run(
        OURS,
        "profitek",
        "crd_own",
        run_id="run_before",
        good_at=at("2026-05-01T00:00:00Z"),
        error="server_unreachable",
        failures_in_a_row=2,
        stopped="key_rejected",
        next_sync_at=at("2026-05-02T11:00:00Z"),
    )
    removed = Credential(OURS, "posabit", "crd_removed", "south", {"store_name": "South"}, {})
    wiring.outside.credentials().add(removed)
    wiring.outside.credentials().remove(replace(removed, version=1), clock.now())


def map_stores(_: Deployment) -> None:
    stores = wiring.outside.stores()
    made = stores.create(
        Store(OURS, 0, "Main Street", "Main", "1 Pine St", "WA", "US", None, "+12065550101")
    )
    seen = at("2026-04-20T19:30:00Z")
    sighting = StoreKeySighting("posabit", "north", "Main", "Main St", seen, 5, "America/Denver")
    stores.see_keys(OURS, [sighting, StoreKeySighting("webjoint", "shop", "9", None, seen)])
    stores.map_keys(OURS, made.id, [store_key_id("posabit", "north", "Main")], version=1)
    wiring.outside.inventories().put(OURS, "posabit", "north", [JAR, replace(JAR, ext_id="i2")])
    wiring.outside.inventories().deactivate(OURS, "posabit", "north", [("Main", "i2")])


def set_up_texting(_: Deployment) -> None:
    settings = wiring.outside.texting_settings()
    first = settings.save(OURS, TextingRules(), TextingRules(number="+12065550100"))
    settings.assign("+12065550102", OURS)
    settings.save(OURS, first, replace(TEXTING, version=first.version))
    wiring.outside.kill_switch().turn(
        Switch(False, "operator", at("2026-05-01T00:00Z"), "all clear")
    )


def tell_facts(deployment: Deployment) -> None:
    """Shoppers, sales, returns, joins, an import, a key that very many carry."""
    rules, commits = wiring.outside.rule_book(), wiring.derivation.commits()
    held = rules.save(OURS, Rules(LOYALTY, {"posabit": POSABIT}))
    commits.commit(
        OURS,
        "posabit",
        "north",
        customers=[ANA, OLD_ANA, BENS, CLEO],
        joins={"1001": Join("form", at("2026-01-05T12:00:00Z"))},
        import_run="run_import",
    )
    locked = replace(POSABIT, import_locks={"north": "run_import"})
    gone = Source(was_imported_on=day("2026-03-01"), import_locks={"shop": "run_old"})
    rules.save(OURS, replace(held, sources={"posabit": locked, "webjoint": gone}))
    deployment.clock.move(60)
    sold = [
        BIG,
        a_sale("s2", "2026-02-01T20:00:00Z", 3_000, of="1004"),
        a_sale("s3", "2026-04-25T20:00:00Z", of="1003"),
        a_sale("s4", "2026-04-26T20:00:00Z", -700, kind="return", original_ext_id="s1"),
        a_sale("s5", "2026-04-27T20:00:00Z", -100, kind="return"),
        a_sale("s6", "2026-04-28T20:00:00Z", 900, kind="void", is_final=False, status="open"),
        a_sale(LONG, "2026-01-31T20:00:00Z", 1_000, of="1004"),
        a_sale("s8", "2026-04-30T20:00:00Z", 1_100, of="9999"),
    ]
    commits.commit(OURS, "posabit", "north", sales=sold)
    same = Customer("77", first="Ana", last="Example", phone="+12065550123")
    wall = replace(
        a_sale("t1", "2026-04-29T20:00:00Z", of="77"), wall_clock=at("2026-04-29T13:00Z")
    )
    deployment.clock.move(60)
    commits.commit(OURS, "profitek", "Kitsilano", customers=[same], sales=[wall])
    wiring.loyalty.adjuster().adjust(OURS, ours("1001"), 2_050, "Goodwill", "key-0001", actor=ANN)
    commits.join(OURS, ours("1004"), "partner_api", at("2026-01-06T12:00:00Z"))
    crowd = [Customer(f"c{n:02}", email="till@example.com") for n in range(41)]
    commits.commit(OURS, "posabit", "north", customers=crowd)


def send_texts(deployment: Deployment) -> None:
    """One is asked and says yes, one's worker died; tests; an opt-out."""
    deployment.clock.move(6 * 3_600)  # it is 11:02 in Los Angeles
    rules = wiring.outside.rule_book()
    dora = Customer(
        "1005", first="Dora", phone="+12065550125", updated_at=at("2026-04-20T10:00:00Z")
    )
    emil = replace(dora, ext_id="1006", first="Emil", phone="+12065550126")
    fay = replace(dora, ext_id="1007", first="Fay", phone="+12065550127", sms_consent="no")
    sold = [a_sale(f"d{n}", "2026-04-21T20:00:00Z", of=f"100{n}") for n in (5, 6, 7)]
    wiring.derivation.commits().commit(
        OURS, "posabit", "north", customers=[dora, emil, fay], sales=sold
    )
    assert rules.get(OURS).source("posabit").sms_opt_in_after
    wiring.texting.release().release(lambda: True)
    sender = wiring.texting.request_sender()
    assert sender.handle(OURS, BEN) == "sent"
    deployment.carrier.fails["+12065550125"] = TextUnknown("nobody answered")
    sender.handle(OURS, "+12065550125")
    yes = InboundText("in-1", BEN, "+12065550102", "Yes please", deployment.clock.now() + 5_000)
    wiring.queues.texts_queue().send(yes.body())
    deployment.clock.move(10)
    wiring.texting.inbound().handle(replace(yes, body_text="YES"))
    wiring.texting.inbound().handle(
        InboundText("in-2", "+12065550130", "+12065550100", "stop", deployment.clock.now())
    )
    wiring.texting.texting_service().send_test(OURS, "206-555-0131", actor=ANN)
    _lose_a_test(deployment)


def _lose_a_test(deployment: Deployment) -> None:
    """The worker of a test dies while the carrier has it."""

    def die(*_: str) -> str:
        raise Died

    usual, deployment.carrier.send = deployment.carrier.send, die  # type: ignore[method-assign,assignment]
    lost = SendTest(OURS, "+12065550132", "txt_lost", deployment.clock.now(), "2026-05-02")
    with suppress(Died):
        wiring.texting.send_tests().handle(lost)
    deployment.carrier.send = usual  # type: ignore[method-assign]
    wiring.queues.texts_queue().send(LostText(OURS, lost.day, lost.at, lost.id).body())


def notify(deployment: Deployment) -> None:
    """Open and cleared notifications, and a digest."""
    digests, notifier = wiring.outside.digests(), wiring.notifications.notifier()
    digests.choose(OURS, "sub-3912-Owner", frozenset({"error", "warning"}))
    notifier.raise_(OURS, "unmapped_stores", "stores", names=["9"], sales=3)
    notifier.raise_(OURS, "points_import_mismatch", "posabit", title="POSaBIT", day="2026-02-02")
    notifier.clear(OURS, "points_import_mismatch", "posabit")
    wiring.notifications.digest_sender().send(lambda: True)
    assert deployment.mails
    wiring.outside.leavers().put(OURS, "posabit", [ours("1002"), ours("1004")], instead_of=[])


def change_rules(deployment: Deployment) -> None:
    """Jobs in every stage, previews of every kind."""
    changing, proposals = wiring.changes.apply_change(), wiring.changes.proposals()
    worker = wiring.changes.work_off_change()

    def apply(**changes: Any) -> str:
        proposal = proposals.loyalty(OURS, changes)
        token = token_of(changing.preview(proposal)[0])
        assert token
        version = proposal.rules.version
        return changing.apply(proposal, token, version, "keep", actor=ANN).id

    outdated = _half_counted(deployment, proposals.loyalty(OURS, {"points_per_order": 60}))
    done = apply(max_orders_per_day=4)
    worker.handle(ApplyMessage(OURS, done), lambda: True)
    wiring.changes.preview_change().handle(PreviewMessage(OURS, outdated), lambda: True)
    overtaken = apply(points_per_100=1_100)
    apply(points_per_order=60)
    running = apply(exclude_tax=False)
    worker.handle(ApplyMessage(OURS, overtaken), lambda: True)
    rules = wiring.outside.rule_book()
    held = rules.get(OURS)
    sources = {**held.sources, "posabit": replace(held.source("posabit"), keeping=POSABIT.keeping)}
    rules.save(OURS, replace(held, sources=sources))
    worker.handle(ApplyMessage(OURS, running), never)
    changing.preview(proposals.settings(OURS, "posabit", {"enroll_after": date(2026, 3, 1)}))
    changing.preview(proposals.settings(OURS, "posabit", {"trusts_opt_in_flags": False}))
    half = _half_counted(deployment, proposals.loyalty(OURS, {"rounding": "none"}))
    wiring.changes.preview_change().handle(PreviewMessage(OURS, half), never)
    wiring.loyalty.expiry_planner().plan(lambda: True)
    wiring.loyalty.expiry_worker().handle(ExpiryMessage(OURS), never)
    wiring.derivation.remapper().handle(RemapMessage(OURS, "store 1 mapped"), never)
    worker.handle(ApplyMessage(OURS, "job_0000000099"), never)


def _half_counted(deployment: Deployment, proposal: Any) -> str:
    """The id of a preview whose request had no time to count more than a page."""
    clock = deployment.clock
    usual = clock.monotonic

    def hurrying() -> float:
        clock.move(6)
        return usual()

    clock.monotonic = hurrying  # type: ignore[method-assign]
    try:
        return wiring.changes.preview_change().start(proposal).id
    finally:
        clock.monotonic = usual  # type: ignore[method-assign]


def sync(deployment: Deployment) -> None:
    """A run that ended, and one whose worker died after a checkpoint; another message comes."""
    clock = deployment.clock
    add_synced_credential(deployment)
    runs, worker = wiring.sync.run_service(), wiring.sync.sync_worker("sync")
    first = runs.start(THEIRS, "posabit", "crd_sim", "connect")
    message = SyncMessage(THEIRS, "posabit", "crd_sim", first.id)
    worker.handle(message, _fewer_and_fewer(32))
    worker.handle(replace(message, hop=1), lambda: 900.0)
    assert runs.get(THEIRS, "posabit", first.id).state == "succeeded"
    clock.move(3_600)
    touch(deployment)
    second = runs.reread(THEIRS, "posabit", "crd_sim", at("2025-06-01T00:00:00Z"))
    message = SyncMessage(THEIRS, "posabit", "crd_sim", second.id)
    _die_after_checkpoints(deployment, 5, lambda: worker.handle(message, lambda: 900.0))
    worker.handle(message, lambda: 900.0)


def add_synced_credential(deployment: Deployment) -> None:
    """A credential of the other account, that opens the simulated POS."""
    pos, clock = deployment.pos, deployment.clock
    wiring.outside.integrations().save(Integration(THEIRS, "posabit", state="connected"))
    secrets = {pos.secret: pos.key}
    sealed = wiring.outside.key_ring().seal(THEIRS, "crd_sim", secrets)
    wiring.outside.credentials().add(
        Credential(
            THEIRS,
            "posabit",
            "crd_sim",
            pos.shop.scope,
            {name: value for name, value in pos.typed.items() if name not in secrets},
            sealed.sealed,
            sealed.fingerprints,
            sealed.last_four,
            history_from=at("2025-06-01T00:00:00Z"),
            created_at=clock.now(),
        )
    )


def _fewer_and_fewer(seconds: float) -> Callable[[], float]:
    """Time for a few pages only."""
    left = [seconds]

    def remaining() -> float:
        left[0] -= 0.5
        return left[0]

    return remaining


def _die_after_checkpoints(deployment: Deployment, number: int, work: Callable[[], None]) -> None:
    """Let each page take three seconds, and the process end once so many checkpoints are saved."""
    states, clock = wiring.outside.sync_states(), deployment.clock
    usual, saved = states.checkpoint, [0]
    usual_time, ticks = clock.monotonic, [0.0]

    def checkpoint(*given: Any) -> bool:
        answer = usual(*given)
        saved[0] += 1
        if saved[0] == number:
            raise Died
        return answer

    def slow() -> float:
        ticks[0] += 3.0
        return usual_time() + ticks[0]

    states.checkpoint = checkpoint  # type: ignore[method-assign,assignment]
    clock.monotonic = slow  # type: ignore[method-assign]
    with suppress(Died):
        work()
    states.checkpoint = usual  # type: ignore[method-assign]
    clock.monotonic = usual_time  # type: ignore[method-assign]


def wait_for_the_pos(deployment: Deployment) -> None:
    """A run of an own server with every field of checkpoint and view set, handed over."""
    states, now = wiring.outside.sync_states(), deployment.clock.now()
    run = wiring.sync.run_service().start(OURS, "profitek", "crd_own", "now")
    lease = states.acquire(OURS, "profitek", "crd_own", run.id, 0, now)
    rejected = Reject("sales", "bad_money", "total", {"id": 5, "total": "a lot"}, "5")
    states.add_aside(lease, 1, [rejected, Reject("customers", "missing_id", "id", {"name": "?"})])
    states.hand_over(lease, a_whole_checkpoint(now).dump(), a_whole_view(run, now), 3)
    states.request_stop(OURS, "crd_own")


def a_whole_checkpoint(now: int) -> Progress:
    error = RunError("permission_missing", "you", "The key may not read sales.", "sales")
    place = StreamProgress(
        since=now - 900_000,
        history_from=now - 86_400_000,
        kind="daily",
        cursor={"start": 40, "last": "17", "window": {"low": 1, "high": 2, "floor": 1, "days": 1}},
        generation=2,
        chunks=1,
        deltas=3,
        seen_generation=4,
        seen_deltas=5,
        listed=41,
        full_listing=True,
        days={"2026-05-01": 7},
        store_key_sales={"k1": 12},
    )
    ended = StreamProgress(ended=True, good=True)
    return Progress(
        began=now,
        streams={"stores": ended, "customers": place, "sales": StreamProgress()},
        store_names={"Main": ("Main Street", "America/Vancouver"), "9": ("Nine", None)},
        asides=2,
        waits=1,
        resume_at=now + 60_000,
        idle_hops=1,
        error=error,
        missing=["sales"],
        imports=True,
        importing=True,
        leavers=[ours("1002")],
    )


def a_whole_view(run: RunView, now: int) -> RunView:
    return replace(
        run,
        state="waiting",
        reread_from=now - 86_400_000,
        resume_at=now + 60_000,
        started_at=now,
        heartbeat_at=now,
        stream="customers",
        streams={"customers": StreamTotals(2, 41, 30, 5, 4, 2, False)},
        sales_linked=3,
        sales_unlinked=1,
        requests=9,
        retries=2,
        hops=3,
        persona_writes=35,
        members_left=1,
        reasons={"bad_money": 1, "missing_id": 1},
        unknown_words={"status=odd": 2},
        error=RunError("permission_missing", "you", "The key may not read sales.", "sales"),
    )


def keep_an_email_contact(_: Deployment) -> None:
    """Nothing asks by e-mail yet; a POS's flags are kept all the same."""
    log: DynamoConsent = wiring.outside.consent_log()  # type: ignore[assignment]
    assert log.read(OURS, "email", "ana@example.com").entries
    broken = ContactState("+12065550133")
    log.write(OURS, broken, replace(broken, unusable="unreachable"))


def leave_an_intent(deployment: Deployment) -> None:
    """The process dies between a commit's facts and what follows from them."""
    facts, commits = wiring.outside.facts(), wiring.derivation.commits()
    usual_write, usual_unlock, writes = facts.write, facts.unlock, [0]

    def write(*given: Any) -> None:
        writes[0] += 1
        if writes[0] == 2:
            raise Died
        usual_write(*given)

    facts.write = write  # type: ignore[method-assign,assignment]
    facts.unlock = lambda *_, **__: None  # type: ignore[method-assign]
    with suppress(Died):
        late = a_sale("s7", "2026-05-01T20:00:00Z", 10_000)
        commits.commit(OURS, "posabit", "north", sales=[late])
    facts.write, facts.unlock = usual_write, usual_unlock  # type: ignore[method-assign]
    deployment.clock.move(1)


# -- what is kept of it --------------------------------------------------------------------------


def dumped(table: str) -> list[dict[str, Any]]:
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=f"{table}-under-test")
    rows = [_encoded(row) for page in pages for row in page["Items"]]
    rows.sort(key=lambda row: (row["pk"]["S"], row["sk"]["S"]))
    return [row for row in _few(table, rows) if kind_of(table, row)]


def _encoded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"B": base64.b64encode(row[name]["B"]).decode()}
        if "B" in row[name]
        else {"SS": sorted(row[name]["SS"])}
        if "SS" in row[name]
        else row[name]
        for name in sorted(row)
    }


def _few(table: str, rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Without the crowd but for two of it, and of the simulated POS what its run needs."""
    crowd = {f"{OURS}#REC#{ours(f'c{n:02}')}" for n in range(2, 41)}
    shelves = 0
    for row in rows:
        pk = row["pk"]["S"]
        if pk in crowd or (table == "personas" and not pk.startswith(OURS)):
            continue
        if pk.startswith(f"INVENTORY#{THEIRS}"):
            shelves += 1
            if shelves > 1:
                continue
        yield row


def more_messages(clock: Any) -> None:
    """Of each kind the fields that no flow above filled."""
    wiring.queues.sync_queue("sync").send(
        SyncMessage(OURS, "posabit", "crd_1", "run_1", hop=2, tries=3).body()
    )
    jobs = wiring.queues.jobs_queue()
    jobs.send(RemapMessage(OURS, "zone", "3|place", 2).body())
    jobs.send(PreviewMessage(OURS, "prv_1", 2).body())
    jobs.send(ApplyMessage(OURS, "job_0000000007", 2, 3).body())
    jobs.send(ExpiryMessage(OURS, "3|place", 2).body())
    texts = wiring.queues.texts_queue()
    texts.send(RequestJob(OURS, BEN).body())
    texts.send(SendTest(OURS, BEN, "txt_9", clock.now(), "2026-05-02").body())
    texts.send(InboundText("in-9", BEN, "+12065550102", "yes", clock.now()).body())


LISTS: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "personas by arrival": ("GET", "/personas", {}),
    "personas by name": ("POST", "/personas/search", {"sort": "name", "dir": "asc"}),
    "sales": ("GET", f"/personas/{ours('1001')}/sales", {}),
    "ledger": ("GET", f"/personas/{ours('1001')}/ledger", {}),
    "audit": ("GET", "/audit", {}),
    "texts": ("GET", "/texting/texts", {"day": "2026-05-02"}),
    "runs": ("GET", "/integrations/posabit/runs", {}),
    "set aside": ("GET", "/integrations/profitek/runs/{run}/set-aside", {}),
}


def api_cursors(deployment: Deployment) -> list[dict[str, Any]]:
    """The first cursor of every list of the API, and what followed it."""
    waiting, _ = wiring.sync.runs().recent(OURS, "profitek", 1, None)
    found = []
    for name, (method, form, asked) in LISTS.items():
        uid = THEIRS if name == "runs" else OURS
        path = f"/api/accounts/{uid}{form.replace('{run}', waiting[0].id)}"
        place = "body" if method == "POST" else "query"
        gateway = deployment.world.gateway("Owner", uid)
        first = gateway.send(method, path, **cast("Any", {place: {**asked, "limit": 1}})).json
        onward = {**asked, "cursor": first["next_cursor"], "limit": 2}
        assert onward["cursor"], name
        items = gateway.send(method, path, **cast("Any", {place: onward})).json["items"]
        found.append(
            {
                "list": name,
                "uid": uid,
                "method": method,
                "path": path,
                place: onward,
                "items": items,
            }
        )
    return found


def pos_cursors() -> list[dict[str, Any]]:
    """Of every platform and stream some cursors, and the rows of the page at each."""
    found = []
    for platform in PLATFORMS:
        with bench_of(platform)(*SIZES.get(platform, SIZE)) as bench:
            session = bench.gateway.open(bench.access())
            for stream in STREAMS:
                plan = StreamPlan(stream, bench.clock.now())
                told = {"platform": platform, "plan": asdict(plan)}
                found += [{**told, **place} for place in _places(session, plan)]
            session.close()
    return found


def _places(session: PosSession, plan: StreamPlan) -> list[dict[str, Any]]:
    """The first two cursors that lead to rows, and the first one that keeps a receipt open."""
    found: list[dict[str, Any]] = []
    cursor = session.fetch(plan, None).cursor
    while cursor is not None:
        page = session.fetch(plan, cursor)
        ids = [id_of(fact) for fact in page.facts]
        if (ids and len(found) < CURSORS) or (cursor.get("open") and len(found) == CURSORS):
            kept = json.loads(json.dumps(cursor))
            found.append({"cursor": kept, "ids": ids, "ends": page.cursor is None})
        cursor = page.cursor
    return found


def write(name: str, told: Mapping[str, Any]) -> None:
    text = json.dumps({"commit": COMMIT, **told}, indent=1, sort_keys=True, ensure_ascii=False)
    (FOLDER / f"{name}.json").write_text(text + "\n")


def main() -> None:
    if any(FOLDER.glob("*.json")) and "--again" not in sys.argv:
        sys.exit("The files are there: they say what the code of that commit stored.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with a_deployment() as deployment:
        for step in (
            open_account,
            connect,
            map_stores,
            set_up_texting,
            tell_facts,
            send_texts,
            notify,
            change_rules,
            sync,
            wait_for_the_pos,
            keep_an_email_contact,
        ):
            step(deployment)
        more_messages(deployment.clock)
        cursors = api_cursors(deployment)
        leave_an_intent(deployment)
        for table in TABLES:
            write(table, {"at": deployment.clock.now(), "rows": dumped(table)})
        sleep(3)  # messages that were sent with a short delay
        messages = {queue: sorted(set(deployment.take(queue))) for queue in QUEUES}
        write("messages", {"messages": messages})
    write("cursors", {"api": cursors, "pos": pos_cursors()})


if __name__ == "__main__":
    main()

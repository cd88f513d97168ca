"""The steps of the demo's retailer, each safe to repeat."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from botocore.exceptions import ClientError

from chalicelib.domain.words import Uid
from tools.account import create_account
from tools.demo.memory import Memory
from tools.demo.platforms import RETAILER, Pos
from tools.demo.progress import Bars
from tools.demo.retailer import LIVE, Json, Retailer
from tools.demo.simulator import Simulator
from tools.limit import raise_limit
from tools.stack import LocalStack
from tools.steps import StepFailed, step

ACCOUNT = "Green Leaf"
OWNER = "owner@greenleaf.example"
TEAM = {"Operator": "operator@greenleaf.example", "Analyst": "analyst@greenleaf.example"}
INTEGRATOR_PARAMETER = "/aiq-pos/local/integrators/posabit"
SILENT_SECONDS = 120
SYNCS_AN_HOUR = "600"
"""The demo is started again and again, and each time the Owner syncs all."""

Simulators = Mapping[str, Simulator]
Cards = Mapping[str, Json]
"""By platform."""


def keep_integrator_token(stack: LocalStack, simulator: Simulator) -> None:
    """Keep the token where production does: in an SSM SecureString named by a stack parameter."""
    stack.client("ssm").put_parameter(
        Name=INTEGRATOR_PARAMETER,
        Value=simulator.facts["integrator_token"],
        Type="SecureString",
        Overwrite=True,
    )


def log_in(stack: LocalStack, memory: Memory) -> Retailer:
    """Log in as the Owner of the demo account, who gets errors and warnings by e-mail.

    The account and its team are made when they do not exist yet.
    """
    with step("make the account and its people"):
        owner = _try_to_log_in(stack, memory.password)
        if owner is None:
            create_account(
                stack.client, stack.outputs, name=ACCOUNT, owner=OWNER, password=memory.password
            )
            owner = Retailer(stack, OWNER, memory.password)
        owner.uid = owner.accounts()[0]["uid"]
        raise_limit(stack.client, stack.outputs, Uid(owner.uid), "syncs", SYNCS_AN_HOUR)
        known = {user["email"] for user in owner.get("/users")["items"]}
        for role, email in TEAM.items():
            if email in known:
                continue
            owner.call("POST", "/users", {"email": email, "role": role})
            stack.client("cognito-idp").admin_set_user_password(
                UserPoolId=stack.outputs["UserPoolId"],
                Username=email,
                Password=memory.password,
                Permanent=True,
            )
        owner.call("PUT", "/me/emails", {"severities": ["error", "warning"]})
        return owner


def _try_to_log_in(stack: LocalStack, password: str) -> Retailer | None:
    try:
        owner = Retailer(stack, OWNER, password)
    except ClientError:
        return None
    return owner if owner.accounts() else None


def connect(retailer: Retailer, simulators: Simulators) -> dict[str, Json]:
    """Add and check every credential, tick the boxes, press Connect.

    Returns the cards by platform.
    """
    with step("add the credentials, tick the age-gate boxes, connect"):
        for pos in RETAILER:
            add_credentials(retailer, pos, simulators[pos.platform])
            retailer.tick_age_gate(pos.platform)
            retailer.connect(pos.platform)
        return all_cards(retailer)


def all_cards(retailer: Retailer) -> dict[str, Json]:
    """The cards by platform."""
    return {pos.platform: retailer.card(pos.platform) for pos in RETAILER}


def add_credentials(retailer: Retailer, pos: Pos, simulator: Simulator) -> None:
    """Add the credentials in order, from the first one that an earlier demo did not come to."""
    known = len(retailer.card(pos.platform)["credentials"])
    for fields in pos.credentials(simulator.facts)[known:]:
        added = retailer.add_credential(fields, platform=pos.platform, trust=pos.trust)
        if added["check"]["outcome"] != "ok":
            raise StepFailed(f"check a credential of {pos.platform}", added["check"]["message"])


def first_sync(retailer: Retailer, cards: Cards) -> None:
    """Wait for the syncs that *Connect* started."""
    runs = [run for platform in cards for run in retailer.runs(platform)]
    good = {run["credential"] for run in runs if run["state"] == "succeeded"}
    live = [run for run in runs if run["state"] in LIVE]
    started = good | {run["credential"] for run in live}
    live += _sync_now(retailer, cards, but=started)
    if live:
        _watch(retailer, cards, live)


def sync_again(retailer: Retailer, cards: Cards) -> list[Json]:
    """Press *Sync now* on every credential. Returns the runs as they ended."""
    return _watch(retailer, cards, _sync_now(retailer, cards))


def freeze_and_thaw(retailer: Retailer, platform: str = "profitek") -> str:
    """Use the last backup of a source, and leave it: afterwards all is as before.

    Returns what was said of it.
    """
    with step(f"take backups; use {platform}'s last one, and leave it"):
        retailer.run_audiences()
        preview, frozen = retailer.freeze(platform)
        if frozen["problem"]:
            raise StepFailed(f"freeze {platform}", frozen["problem"])
        for run in retailer.unfreeze(platform):
            if run["state"] != "succeeded":
                raise StepFailed(f"sync {platform} after its backup", run["state"])
        return str(preview["sentence"])


def _sync_now(retailer: Retailer, cards: Cards, but: Collection[str] = ()) -> list[Json]:
    return [
        retailer.sync_now(each["id"], platform)
        for platform, card in cards.items()
        for each in card["credentials"]
        if each["id"] not in but
    ]


def _watch(retailer: Retailer, cards: Cards, runs: Sequence[Json]) -> list[Json]:
    sizes = {pos.platform: pos.shoppers + pos.sales for pos in RETAILER}
    titles, rows = {}, {}
    for platform, card in cards.items():
        for each in card["credentials"]:
            titles[each["id"]] = title(card, each)
            rows[each["id"]] = sizes[platform] // len(card["credentials"])
    running = {run["credential"] for run in runs}
    with Bars({id_: text for id_, text in titles.items() if id_ in running}, rows) as bars:
        ended = retailer.finish(runs, seconds=SILENT_SECONDS, show=bars.show)
    for run in ended:
        if run["state"] != "succeeded":
            reason = run["error"]["message"] if run["error"] else run["state"]
            raise StepFailed(f"sync {titles[run['credential']]}", reason)
    return ended


def title(card: Json, credential: Json) -> str:
    """`POSaBIT Harbor House`, or `Auphan` where a credential names no store."""
    return f"{card['title']} {credential['fields'].get('store_name', '')}".strip()

"""What the retailer of the demo does, each step safe to take again."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import ClientError

from tools.account import create_account
from tools.demo.memory import Memory
from tools.demo.progress import Bars
from tools.demo.retailer import LIVE, Json, Retailer
from tools.demo.simulator import Simulator
from tools.stack import LocalStack
from tools.steps import StepFailed, step

ACCOUNT = "Green Leaf"
OWNER = "owner@greenleaf.example"
TEAM = {"Operator": "operator@greenleaf.example", "Analyst": "analyst@greenleaf.example"}
INTEGRATOR_PARAMETER = "/aiq-pos/local/integrators/posabit"
SILENT_SECONDS = 120


def keep_integrator_token(stack: LocalStack, simulator: Simulator) -> None:
    """Where production keeps it: an SSM SecureString that the stack's parameters name."""
    stack.client("ssm").put_parameter(
        Name=INTEGRATOR_PARAMETER,
        Value=simulator.facts["integrator_token"],
        Type="SecureString",
        Overwrite=True,
    )


def log_in(stack: LocalStack, memory: Memory) -> Retailer:
    """The Owner of the demo account; account and team are made when they are not there yet."""
    with step("make the account and its people"):
        owner = _logged_in(stack, memory.password)
        if owner is None:
            create_account(
                stack.client, stack.outputs, name=ACCOUNT, owner=OWNER, password=memory.password
            )
            owner = Retailer(stack, OWNER, memory.password)
        owner.uid = owner.accounts()[0]["uid"]
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
        return owner


def _logged_in(stack: LocalStack, password: str) -> Retailer | None:
    try:
        owner = Retailer(stack, OWNER, password)
    except ClientError:
        return None
    return owner if owner.accounts() else None


def connect(retailer: Retailer, simulator: Simulator) -> Json:
    """Add the credentials, each checked, tick the box, press Connect. Answers the card."""
    with step("add the credentials, tick the age-gate box, connect"):
        known = {each["scope"] for each in retailer.card()["credentials"]}
        for venue in simulator.venues:
            if venue["code"] in known:
                continue
            added = retailer.add_credential({"store_name": venue["name"], "key": venue["token"]})
            if added["check"]["outcome"] != "ok":
                raise StepFailed("check a credential", added["check"]["message"])
        retailer.tick_age_gate()
        retailer.connect()
        return retailer.card()


def first_sync(retailer: Retailer, card: Json, simulator: Simulator) -> bool:
    """Wait for the syncs that *Connect* started; whether there were any to wait for."""
    runs = retailer.runs()
    good = {run["credential"] for run in runs if run["state"] == "succeeded"}
    live = [run for run in runs if run["state"] in LIVE]
    wanted = {each["id"] for each in card["credentials"]} - good
    started = {run["credential"] for run in live}
    live += [retailer.sync_now(credential) for credential in wanted - started]
    if live:
        _watch(retailer, card, simulator, live)
    return bool(wanted)


def sync_again(retailer: Retailer, card: Json, simulator: Simulator) -> list[Json]:
    """*Sync now* on every credential; the runs as they ended."""
    started = [retailer.sync_now(each["id"]) for each in card["credentials"]]
    return _watch(retailer, card, simulator, started)


def _watch(
    retailer: Retailer, card: Json, simulator: Simulator, runs: Sequence[Json]
) -> list[Json]:
    sizes = {
        venue["code"]: venue["customers"] + venue["sales_histories"] for venue in simulator.venues
    }
    running = {run["credential"] for run in runs}
    credentials = [each for each in card["credentials"] if each["id"] in running]
    titles = {each["id"]: each["fields"]["store_name"] for each in credentials}
    with Bars(titles, {each["id"]: sizes[each["scope"]] for each in credentials}) as bars:
        ended = retailer.finish(runs, seconds=SILENT_SECONDS, show=bars.show)
    for run in ended:
        if run["state"] != "succeeded":
            reason = run["error"]["message"] if run["error"] else run["state"]
            raise StepFailed(f"sync {titles[run['credential']]}", reason)
    return ended

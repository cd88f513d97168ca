"""Measures what the first request after a cold start costs, and what of that Lambda initialises.

A request's share of a core is its function's memory by 1,769 MB; initialising has a whole core. The
tables are a server on loopback that knows one account and one Owner.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from benchmarks.imports import environment_with_bytecode
from benchmarks.report import Budget, Report
from chalicelib import config
from chalicelib.entrypoints.initialise import API, IN_LAMBDA
from tools.paths import ROOT
from tools.steps import StepFailed

ROUNDS = 3
MEMORIES_MB = (512, 1024)
WHOLE_CORE_MB = 1769
ROUTES = ("/api/me", "/api/accounts/{uid}/personas")

OWNER = {
    "pk": {"S": "ACCOUNT#3912"},
    "sk": {"S": "USER#ada"},
    "user_sub": {"S": "ada"},
    "uid": {"S": "3912"},
    "email": {"S": "ada@example.com"},
    "role": {"S": "Owner"},
    "active": {"BOOL": True},
}
ACCOUNT = {
    "pk": {"S": "ACCOUNT#3912"},
    "sk": {"S": "ACCOUNT"},
    "name": {"S": "Green Leaf"},
    "time_zone": {"S": "America/Los_Angeles"},
    "currency": {"S": "USD"},
    "sync_hour": {"N": "3"},
    "sync_every_hours": {"N": "6"},
    "minimum_age": {"N": "21"},
    "merge_on_name_and_birth_date": {"BOOL": False},
    "created_at": {"N": "0"},
    "version": {"N": "1"},
}

CHILD = """
import json, resource as usage, sys, time
began = time.process_time()
import app
loaded = time.process_time()
resource, uid = sys.argv[1], "3912"
path = resource.replace("{uid}", uid)
context = {"httpMethod": "GET", "resourcePath": resource, "path": path, "requestId": "r"}
context |= {"identity": {"sourceIp": "127.0.0.1"}}
context |= {"authorizer": {"claims": {"sub": "ada", "email": "a@b.co", "token_use": "id"}}}
event = {"resource": resource, "path": path, "httpMethod": "GET", "headers": {}, "body": None}
event |= {"multiValueHeaders": {}, "isBase64Encoded": False, "stageVariables": None}
event |= {"queryStringParameters": None, "multiValueQueryStringParameters": None}
event |= {"pathParameters": {"uid": uid} if "{uid}" in resource else None}
event |= {"requestContext": context}
times = []
for _ in range(6):
    at = time.process_time()
    answer = app.app(dict(event), None)
    times.append(time.process_time() - at)
    if answer["statusCode"] != 200:
        sys.exit(answer["body"])
peak = usage.getrusage(usage.RUSAGE_SELF).ru_maxrss / 1024 / 1000
print(json.dumps([loaded - began, times[0], min(times[1:]), peak]), file=sys.stderr)
"""


@dataclass(frozen=True)
class StartCost:
    """CPU in milliseconds, medians of fresh interpreters: what initialises, the first request and a
    later one; the process's peak in MB. `lazy` ones build all when it is first used, as without
    Lambda."""

    route: str
    initialised: float
    first: float
    later: float
    peak_mb: float
    lazy_import: float
    lazy_first: float


def in_function(cpu_ms: float, memory_mb: int) -> float:
    """How long a request's CPU takes in a function of so much memory."""
    return cpu_ms / min(1.0, memory_mb / WHOLE_CORE_MB)


def start_costs() -> list[StartCost]:
    with _tables() as url:
        _measure(url, ROUTES[0], in_lambda=True)  # compiles what was never compiled
        return [_costs(url, route) for route in ROUTES]


def _costs(url: str, route: str) -> StartCost:
    pairs = [
        (*_measure(url, route, in_lambda=True), *_measure(url, route, in_lambda=False)[:2])
        for _ in range(ROUNDS)
    ]
    return StartCost(route, *(statistics.median(column) for column in zip(*pairs, strict=True)))


def _measure(url: str, route: str, *, in_lambda: bool) -> tuple[float, ...]:
    variables = environment_with_bytecode()
    defaults = config._DEFAULTS  # noqa: SLF001
    names = [each.name.upper() for each in fields(config.Config)]
    variables |= {name: defaults.get(name, name.lower()) for name in names}
    variables |= {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "us-east-1", "LOG_LEVEL": "INFO"}
    variables |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    variables.pop(IN_LAMBDA, None)
    if in_lambda:
        variables |= {IN_LAMBDA: "bench", "_HANDLER": API}
    child = [sys.executable, "-c", CHILD, route]
    done = subprocess.run(
        child, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StepFailed(f"ask for {route}", done.stdout[-3000:] + done.stderr)
    return tuple(each * 1000 for each in json.loads(done.stderr.splitlines()[-1]))


def show(report: Report, costs: list[StartCost]) -> None:
    """Add the table, and the budgets: nothing that Lambda can initialise is left to a request."""
    head = ["API, CPU in ms", "lazy: import", "first", "now: init", "first", "later", "peak MB"]
    head += [f"first at {memory} MB" for memory in MEMORIES_MB]
    rows = [
        (
            cost.route,
            *(f"{each:.0f}" for each in (cost.lazy_import, cost.lazy_first, cost.initialised)),
            f"{cost.first:.1f}",
            f"{cost.later:.1f}",
            f"{cost.peak_mb:.0f}",
            *(f"{in_function(cost.first, memory):.0f}" for memory in MEMORIES_MB),
        )
        for cost in costs
    ]
    report.table("First request after a cold start", head, rows)
    report.data["first_request"] = [asdict(cost) for cost in costs]
    for cost in costs:
        ratio = cost.first / cost.lazy_first
        what = f"first request, {cost.route}, against building all in it"
        report.budgets.append(Budget(what, ratio, 0.25, "times"))


@contextmanager
def _tables() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Tables)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Tables(BaseHTTPRequestHandler):
    """Answers as DynamoDB does."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        answer = json.dumps(_answer(operation, asked)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        return None


def _answer(operation: str, asked: Any) -> dict[str, Any]:
    if operation == "BatchGetItem":
        return {"Responses": {table: [] for table in asked["RequestItems"]}}
    if operation == "GetItem":
        return {"Item": ACCOUNT} if asked["Key"]["sk"]["S"] == "ACCOUNT" else {}
    if operation == "UpdateItem":
        return {"Attributes": OWNER}
    rows = [OWNER] if asked.get("IndexName") == "by_user" else []
    return {"Items": rows, "Count": len(rows), "ScannedCount": len(rows)}

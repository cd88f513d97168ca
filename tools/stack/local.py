"""The deployed product on this machine, for the demo, the tests and the benchmarks."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import boto3
import requests
from botocore.config import Config
from filelock import FileLock, Timeout

from tools.dashboard import build
from tools.deploy import deploy, described, outputs, stack_name, with_derived
from tools.package import package
from tools.paths import LOCAL
from tools.stack.emulator import Emulator, free_port, install
from tools.stack.gaps import close_gaps, verify_sender
from tools.stack.thrown_away import throw_away
from tools.stage_parameters import OVERRIDES
from tools.steps import StepFailed, step
from tools.web import upload_dashboard

DATA_DIR = LOCAL / "stack"
REGION = "us-east-1"
PACKAGES_BUCKET = "aiq-pos-packages"
DIGEST_SENDER = "digests@aiq.example"


class LocalStack:
    """Runs one deployed stack with a data folder of its own.

    Use it in a `with`: it starts the local AWS, packages, deploys, and stops everything at the end.
    The data folder keeps the state over a stop; a second start finds its data and its addresses.
    `parameters` are those of infra/parameters.yaml, e.g. {"SyncTimeout": 20}; visibility timeouts
    and the reserve before the deadline follow from the timeouts unless given. E-mails go from a
    sender of its own to nobody but `emails`. `dashboard`: puts the dashboard behind the front,
    built where it is not.

    Raises StepFailed, which names the step and its log.
    """

    def __init__(
        self,
        *,
        data_dir: Path = DATA_DIR,
        parameters: Mapping[str, str | int] | None = None,
        dashboard: bool = False,
    ) -> None:
        self.data_dir = data_dir
        self.logs_dir = data_dir / "logs"
        self._parameters = dict(parameters or {})
        self._dashboard = dashboard
        self._closing = ExitStack()
        self._clients: dict[str, Any] = {}
        self.port = 0

    @classmethod
    def attach(cls, url: str) -> Self:
        """The stack another process runs at `url`, any of its addresses. `stop` leaves it alone."""
        stack = cls()
        stack.port = urlsplit(url).port or 80
        return stack

    def start(self) -> None:
        """Start and deploy. A failure or an interrupt stops everything that was started."""
        with ExitStack() as undo:
            undo.callback(self.stop)
            self._take_data_dir()
            self._run_emulator()
            self._deploy()
            self._remember(port=self.port, url=self.url, endpoint=self.endpoint_url)
            undo.pop_all()

    def stop(self) -> None:
        """Stop what `start` started. The state is on disk when this returns."""
        self._closing.close()
        self._clients.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _take_data_dir(self) -> None:
        self.logs_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.data_dir / "lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise StepFailed(
                "take the data folder",
                f"another stack runs in {self.data_dir}; stop it: python -m tools.stack down",
            ) from None
        self._closing.callback(lock.release)
        self._remember(pid=os.getpid())

    def _run_emulator(self) -> None:
        log = self.logs_dir / "install.log"
        with step("install the local AWS", log=log):
            python, node = install(log)
        log = self.logs_dir / "emulator.log"
        with step("start the local AWS", log=log):
            self.port = free_port(self._known().get("port"))
            emulator = Emulator(self.data_dir, self.port, log)
            self._closing.callback(emulator.stop)
            emulator.start(python, node)

    def _deploy(self) -> None:
        with step("package", log=self.logs_dir / "chalice.log"):
            built = package(logs=self.logs_dir)
        ours: dict[str, str | int] = {"Stage": "local", "LocalPort": self.port}
        parameters = with_derived({"DigestSender": DIGEST_SENDER} | self._parameters | ours)
        with step("deploy", log=self.logs_dir / "emulator.log"):
            self._make_packages_bucket()
            self.__dict__["outputs"] = deploy(
                self.client,
                built,
                self.name,
                parameters,
                bucket=PACKAGES_BUCKET,
                kept=self._restored() - parameters.keys(),
            )
            close_gaps(self.client, built.template, self.resources)
            verify_sender(self.client, parameters["DigestSender"])
        if self._dashboard:
            with step("build the dashboard"):
                built_pages = build()
            with step("upload the dashboard"):
                upload_dashboard(self.client("s3"), self.outputs["BucketWeb"], built_pages)

    def _restored(self) -> set[str]:
        """The parameters that `make restore` has set: the data is in the tables that they name."""
        stack = described(self.client("cloudformation"), self.name) or {}
        entries = stack.get("Parameters", [])
        return {each["ParameterKey"] for each in entries} & set(OVERRIDES)

    def _make_packages_bucket(self) -> None:
        s3 = self.client("s3")
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=PACKAGES_BUCKET)

    def _known(self) -> dict[str, Any]:
        with suppress(FileNotFoundError, ValueError):
            known: dict[str, Any] = json.loads((self.data_dir / "stack.json").read_text())
            return known
        return {}

    def _remember(self, **facts: str | int) -> None:
        known = json.dumps(self._known() | facts, indent=2)
        (self.data_dir / "stack.json").write_text(known, encoding="utf-8")

    @property
    def name(self) -> str:
        return stack_name("local")

    @property
    def endpoint_url(self) -> str:
        """The local AWS's URL, for AWS clients."""
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs: TableAccounts …, QueueSyncUrl …, UserPoolId, UserPoolClientId,
        KmsKeyId, BucketBackups, BucketWeb, TopicOperatorArn, TopicInboundSmsArn, FrontDomain."""
        return outputs(self.client("cloudformation"), self.name)

    @cached_property
    def resources(self) -> dict[str, str]:
        """Physical names by the template's logical names, e.g. SyncWorker → the function's name."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            entry["LogicalResourceId"]: entry["PhysicalResourceId"]
            for page in pages.paginate(StackName=self.name)
            for entry in page["StackResourceSummaries"]
        }

    @property
    def host(self) -> str:
        """The front's host name with port; browsers and curl resolve it, Python does not."""
        return f"{self.outputs['FrontDomain'].split('.')[0]}.cloudfront.localhost:{self.port}"

    @property
    def url(self) -> str:
        """The front, for browsers: dashboard and, under /api/, the API."""
        return f"http://{self.host}"

    @property
    def api_url(self) -> str:
        """The front by address, for Python: send the header `Host: {host}`, as `http` does."""
        return self.endpoint_url

    @cached_property
    def http(self) -> requests.Session:
        """A session for `api_url + "/api/..."` that names the front's host."""
        session = requests.Session()
        session.trust_env = False
        session.headers["Host"] = self.host
        return session

    def client(self, service: str) -> Any:
        """A boto3 client of the local AWS; one per service, made once."""
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.endpoint_url,
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",  # noqa: S106 the local AWS takes any
                config=Config(signature_version="s3v4", proxies={}) if service == "s3" else None,
            )
        return self._clients[service]

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Invoke by logical name (`PlanSyncs`, `SyncWorker` …). Returns what the function returned.

        Raises RuntimeError with the function's own error when it raised.
        """
        answer = self.client("lambda").invoke(
            FunctionName=self.resources[function], Payload=json.dumps(event)
        )
        payload = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            raise RuntimeError(f"{function}: {payload}")
        return payload

    def tick(self, function: str) -> Any:
        """Invoke a scheduled function as its rule would, now."""
        return self.invoke(
            function,
            {
                "version": "0",
                "id": f"tick-{time.time_ns()}",
                "detail-type": "Scheduled Event",
                "source": "aws.events",
                "account": "000000000000",
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "region": REGION,
                "resources": [f"arn:aws:events:{REGION}:000000000000:rule/tick"],
                "detail": {},
            },
        )

    def set_visibility(self, queue: str, seconds: int) -> None:
        """Change how long a queue (`SyncQueue` …) waits before it tries a message again."""
        self.client("sqs").set_queue_attributes(
            QueueUrl=self.resources[queue], Attributes={"VisibilityTimeout": str(seconds)}
        )

    def sign_in(self, email: str, password: str) -> str:
        """An ID token for the header `Authorization`."""
        answer = self.client("cognito-idp").initiate_auth(
            ClientId=self.outputs["UserPoolClientId"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password},
        )
        token: str = answer["AuthenticationResult"]["IdToken"]
        return token

    def log_lines(self, function: str, since: datetime | None = None) -> list[str]:
        """What a function has logged, oldest first; of the local AWS the first 10,000 lines since
        then."""
        pages = self.client("logs").get_paginator("filter_log_events")
        wanted = {"logGroupName": f"/aws/lambda/{self.resources[function]}"}
        span = {"startTime": int(since.timestamp() * 1000)} if since else {}
        return [
            event["message"]
            for page in pages.paginate(**wanted, **span)
            for event in page["events"]
        ]

    def emails(self, to: str) -> list[dict[str, Any]]:
        """The e-mails to an address, oldest first: Source, Subject, BodyText …"""
        answer = requests.get(f"{self.endpoint_url}/_ministack/ses/messages", timeout=10)
        answer.raise_for_status()
        messages = [each for sent in answer.json()["messages"].values() for each in sent]
        return [each for each in messages if to in each["To"]]

    def forget(self) -> None:
        """Delete the data folder of a stopped stack."""
        throw_away(self.data_dir)

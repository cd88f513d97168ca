"""The stack of a stage, on AWS or on this machine, and code of ours run as if it were there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from chalicelib.adapters.aws import client as aws
from chalicelib.entrypoints import wiring
from tools.aws import said_plainly, session
from tools.deploy import ClientOf, outputs, stack_name
from tools.stack import LocalStack
from tools.stack.__main__ import running_stack
from tools.stack.local import DATA_DIR, REGION
from tools.steps import StepFailed


def stack_of_stage(stage: str) -> tuple[ClientOf, Mapping[str, str]]:
    """The clients and the outputs of a stage's stack; `local` is the one on this machine, that of
    the variable STACK_URL where it is set.

    Raises StepFailed when it is not there or the local stack does not run.
    """
    if stage != "local":
        aws_session = session()
        with said_plainly(f"find {stack_name(stage)}"):
            found = outputs(aws_session.client("cloudformation"), stack_name(stage))
        return aws_session.client, found
    url = os.environ.get("STACK_URL")
    facts = {"endpoint": url} if url else running_stack(DATA_DIR)
    if not facts:
        raise StepFailed("find the local stack", "it does not run; start it: make stack")
    local = LocalStack.attach(facts["endpoint"])
    return local.client, local.outputs


@contextmanager
def as_if_deployed(client_of: ClientOf, function: str) -> Iterator[None]:
    """Run code of the application here in the environment that `function` has in its stack."""
    deployed = client_of("lambda").get_function_configuration(FunctionName=function)
    variables = dict(deployed["Environment"]["Variables"])
    endpoint = client_of("lambda").meta.endpoint_url
    if endpoint.startswith("http://"):
        variables |= {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
    before = dict(os.environ)
    os.environ.update(variables)
    _forget_clients()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        _forget_clients()


def _forget_clients() -> None:
    wiring.reset()
    aws.client.cache_clear()

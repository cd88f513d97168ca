"""Digests on the deployed stack: what a mailbox gets, with links to the front (§12)."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.entrypoints import wiring
from chalicelib.services.notifications.digest import SUBJECT
from tests.e2e.stage import new_retailer
from tools.demo.retailer import Retailer
from tools.stack import LocalStack
from tools.stack.local import DIGEST_SENDER
from tools.stage import as_if_deployed


@pytest.fixture
def retailer(stack: LocalStack) -> Retailer:
    return new_retailer(stack)


def digests_of(stack: LocalStack, retailer: Retailer) -> list[dict[str, Any]]:
    """What the retailer got from us; Cognito sends invitations from an address of its own."""
    got = stack.emails(retailer.email)
    return [message for message in got if message["Source"] == DIGEST_SENDER]


def reject_a_key(stack: LocalStack, uid: str) -> None:
    with as_if_deployed(stack.client, stack.outputs["APIHandlerName"]):
        wiring.notifications.notifier().raise_(
            uid, "key_rejected", "posabit:crd_1", title="POSaBIT", scope="Ballard"
        )


def test_who_chose_errors_gets_one_e_mail_with_links_to_the_front(
    stack: LocalStack, retailer: Retailer
) -> None:
    stranger = new_retailer(stack)
    stranger.call("PUT", "/me/emails", {"severities": ["error"]})
    chosen = retailer.call("PUT", "/me/emails", {"severities": ["error"]})
    assert chosen["email_note"] is None
    reject_a_key(stack, retailer.uid)

    stack.tick("SendDigests")
    stack.tick("SendDigests")

    [message] = digests_of(stack, retailer)
    assert message["Subject"] == SUBJECT
    assert "POSaBIT rejected the key of Ballard." in message["BodyText"]
    assert f"{stack.url}/a/{retailer.uid}/settings/integrations/posabit" in message["BodyText"]
    assert digests_of(stack, stranger) == []


def test_who_was_not_chosen_gets_none(stack: LocalStack, retailer: Retailer) -> None:
    reject_a_key(stack, retailer.uid)

    stack.tick("SendDigests")

    assert digests_of(stack, retailer) == []

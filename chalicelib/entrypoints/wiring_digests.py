"""The services of digests built from their adapters; see `wiring`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.wiring import once

if TYPE_CHECKING:
    from chalicelib.services.digest_choices import DigestChoices
    from chalicelib.services.ports.digests import Digests, Mailer
    from chalicelib.services.send_digests import DigestSender


@once
def digests() -> Digests:
    from chalicelib.adapters.digests import DynamoDigests

    return DynamoDigests(config().table_accounts)


@once
def mailer() -> Mailer:
    from chalicelib.adapters.mail import SesMailer

    return SesMailer(config().digest_sender)


@once
def digest_choices() -> DigestChoices:
    from chalicelib.services.digest_choices import DigestChoices

    return DigestChoices(
        digests(),
        wiring.accounts(),
        wiring.audit(),
        wiring.clock(),
        sends=bool(config().digest_sender),
    )


@once
def digest_sender() -> DigestSender:
    from chalicelib.services.send_digests import DigestSender

    return DigestSender(
        digests(),
        wiring.accounts(),
        wiring.notifications(),
        mailer(),
        wiring.clock(),
        dashboard=config().dashboard_url,
    )

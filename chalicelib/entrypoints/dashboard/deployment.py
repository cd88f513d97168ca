"""What the dashboard has to know before anybody has logged in, and the public Integration Grid."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chalicelib.config import config
from chalicelib.domain.words import Platform, SymbolColour
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.openapi import VERSION
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer

resource = Resource(__name__, tag="Deployment", front=FRONT)

PRODUCT = "AIQ"


class CognitoAnswer(Answer):
    """Where people log in; the endpoint is called by the browser."""

    user_pool_id: str
    client_id: str
    endpoint: str


class HelpAnswer(Answer):
    """What *Need help?* opens: a link, or a chat widget's script; both null where there is none."""

    url: str | None
    chat_script: str | None


class DeploymentAnswer(Answer):
    """`calls_from`: the fixed addresses that our calls to a retailer's own server come from, none
    where the deployment has none. `api_version`: of this API."""

    cognito: CognitoAnswer
    product: str
    help: HelpAnswer
    calls_from: list[str]
    api_version: str


class SymbolAnswer(Answer):
    """Stands for a POS in lists and charts: letters, and a colour of the dashboard's theme."""

    letters: str
    colour: SymbolColour


class GridColumn(Answer):
    """One POS of the grid. `store_number`: where the number of an AIQ store belongs there."""

    platform: Platform
    title: str
    guide_url: str | None
    contract: Literal["confirmed", "partly public", "unconfirmed"]
    symbol: SymbolAnswer
    pushes_signups: bool
    store_number: str | None


class GridRow(Answer):
    """One ability, and what each POS has of it, in words."""

    key: str
    label: str
    values: dict[Platform, str] = Field(examples=[{"posabit": "yes", "thsuite": "no"}])


class GridAnswer(Answer):
    platforms: list[GridColumn]
    rows: list[GridRow]


@resource.get("/api/config", public=True)
def get_config() -> DeploymentAnswer:
    """Say where to log in, where help is, and what addresses we call from."""
    ours = config()
    return DeploymentAnswer(
        cognito=CognitoAnswer(
            user_pool_id=ours.user_pool_id,
            client_id=ours.user_pool_client_id,
            endpoint=ours.cognito_endpoint,
        ),
        product=PRODUCT,
        help=HelpAnswer(url=ours.help_url or None, chat_script=ours.help_chat_script or None),
        calls_from=list(ours.calls_from),
        api_version=VERSION,
    )


@resource.get("/api/grid", public=True)
def get_grid() -> GridAnswer:
    """Say what each POS can do: the Integration Grid."""
    return GridAnswer.model_validate(wiring.integrations.grid())

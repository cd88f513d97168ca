"""airbyte-cdk: a declarative source, read to nowhere. Runs in an environment of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (
    ConcurrentDeclarativeSource,
)

sys.path.insert(0, str(Path(__file__).parent))

from measured import measure_run

JOB = json.loads(sys.argv[1])
LISTINGS = {"customers": ["customers", "*", "customer"], "sales_histories": ["sales_histories"]}


def stream(name: str, rows: list[str]) -> dict[str, Any]:
    schema = {"type": "object", "additionalProperties": True, "properties": {}}
    return {
        "type": "DeclarativeStream",
        "name": name,
        "primary_key": ["id"],
        "schema_loader": {"type": "InlineSchemaLoader", "schema": schema},
        "retriever": {
            "type": "SimpleRetriever",
            "requester": {
                "type": "HttpRequester",
                "url_base": JOB["base_url"],
                "path": f"/v2/venue/{name}",
                "http_method": "GET",
                "authenticator": {"type": "BearerAuthenticator", "api_token": JOB["token"]},
                "request_parameters": {"q[s]": "id asc"},
            },
            "record_selector": {
                "type": "RecordSelector",
                "extractor": {"type": "DpathExtractor", "field_path": rows},
            },
            "paginator": {
                "type": "DefaultPaginator",
                "page_token_option": {
                    "type": "RequestOption",
                    "inject_into": "request_parameter",
                    "field_name": "page",
                },
                "page_size_option": {
                    "type": "RequestOption",
                    "inject_into": "request_parameter",
                    "field_name": "per_page",
                },
                "pagination_strategy": {
                    "type": "PageIncrement",
                    "start_from_page": 1,
                    "page_size": JOB["page"],
                    "inject_on_first_request": True,
                },
            },
        },
    }


MANIFEST = {
    "version": "6.0.0",
    "type": "DeclarativeSource",
    "check": {"type": "CheckStream", "stream_names": ["customers"]},
    "streams": [stream(name, rows) for name, rows in LISTINGS.items()],
    "spec": {"type": "Spec", "connection_specification": {"type": "object", "properties": {}}},
}


def run() -> None:
    home = Path(JOB["home"])
    home.mkdir(parents=True, exist_ok=True)
    wanted = [
        {
            "stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh"]},
            "sync_mode": "full_refresh",
            "destination_sync_mode": "overwrite",
        }
        for name in LISTINGS
    ]
    config, catalogue = home / "config.json", home / "catalogue.json"
    config.write_text("{}", encoding="utf-8")
    catalogue.write_text(json.dumps({"streams": wanted}), encoding="utf-8")
    source = ConcurrentDeclarativeSource(
        catalog=None, config={}, state=None, source_config=MANIFEST
    )
    launch(source, ["read", "--config", str(config), "--catalog", str(catalogue)])


measure_run(run, JOB["cost_file"])

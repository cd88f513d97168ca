"""dlt: customers and sales merged into DuckDB. Runs in an environment of its own."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

JOB = json.loads(sys.argv[1])
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
os.environ["DLT_DATA_DIR"] = JOB["home"]

import dlt  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))

from measured import measure_run  # noqa: E402


def source() -> Any:
    pages = {"type": "page_number", "base_page": 1, "page_param": "page"}
    pages["total_path"] = "total_pages"

    def listing(name: str, rows: str) -> dict[str, Any]:
        return {
            "name": name,
            "primary_key": "id",
            "endpoint": {
                "path": f"v2/venue/{name}",
                "params": {"per_page": JOB["page"], "q[s]": "id asc"},
                "data_selector": rows,
                "paginator": pages,
            },
        }

    customers = listing("customers", "customers[*].customer")
    sales = listing("sales_histories", "sales_histories")
    return rest_api_source(
        {
            "client": {
                "base_url": JOB["base_url"],
                "auth": {"type": "bearer", "token": JOB["token"]},
            },
            "resource_defaults": {"write_disposition": "merge"},
            "resources": [customers, sales],
        }
    )


def run() -> None:
    home = Path(JOB["home"])
    pipeline = dlt.pipeline(
        pipeline_name="peer",
        pipelines_dir=str(home / "pipelines"),
        destination=dlt.destinations.duckdb(str(home / "peer.duckdb")),
        dataset_name="pos",
    )
    pipeline.run(source())


measure_run(run, JOB["cost_file"])

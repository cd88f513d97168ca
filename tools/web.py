"""Uploads the dashboard's built files to the bucket behind the front."""

from __future__ import annotations

import mimetypes
import time
from pathlib import Path
from typing import Any

_FOREVER = "public, max-age=31536000, immutable"
_ASK_EACH_TIME = "no-cache"


def upload_dashboard(s3: Any, bucket: str, build: Path) -> int:
    """Put every file of `build` in the bucket. Returns how many.

    Files under assets/ carry a hash of their content in the name and may be kept for ever. The page
    goes last: it must not name files that are not there yet.
    """
    files = [path for path in build.rglob("*") if path.is_file()]
    for path in sorted(files, key=lambda path: path.name == "index.html"):
        key = path.relative_to(build).as_posix()
        kind, _ = mimetypes.guess_type(path.name)
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=path.read_bytes(),
            ContentType=kind or "application/octet-stream",
            CacheControl=_FOREVER if key.startswith("assets/") else _ASK_EACH_TIME,
        )
    return len(files)


def refresh_front(cloudfront: Any, distribution: str) -> None:
    """Make the front forget the old page."""
    cloudfront.create_invalidation(
        DistributionId=distribution,
        InvalidationBatch={
            "Paths": {"Quantity": 1, "Items": ["/*"]},
            "CallerReference": str(time.time_ns()),
        },
    )

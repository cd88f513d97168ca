"""End the texts whose worker died: nobody knows whether they went (product.md §9)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.words import TextState
from chalicelib.services.ports.texting import TextLog
from chalicelib.services.texting.text_jobs import LostText


@dataclass(frozen=True, slots=True)
class LostTexts:
    """For answers and tests; a request is looked at with its number."""

    texts: TextLog

    def handle(self, job: LostText) -> TextState | None:
        """`unknown`, when nobody has ended it before; it is never sent again."""
        text = self.texts.get(job.uid, job.day, job.at, job.id)
        if text is None or text.state != "sending":
            return None
        return "unknown" if self.texts.end(text, "unknown") else None

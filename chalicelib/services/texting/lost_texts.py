"""End the texts whose worker died: nobody knows whether they went (product.md §9)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.words import TextState
from chalicelib.services.job_messages.text_jobs import LostText
from chalicelib.services.ports.texting import TextLog


@dataclass(frozen=True, slots=True)
class LostTexts:
    """Ends answers and tests whose worker died; a request ends with its contact's state."""

    texts: TextLog

    def handle(self, job: LostText) -> TextState | None:
        """End the text as `unknown`, never to be sent again; None when it has ended before."""
        text = self.texts.get(job.uid, job.day, job.at, job.id)
        if text is None or text.state != "sending":
            return None
        return "unknown" if self.texts.end(text, "unknown") else None

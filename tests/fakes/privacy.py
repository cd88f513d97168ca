"""Erasures and rows about people in memory, which can crash between two writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.traces import Traces
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.privacy import Erasure
from chalicelib.services.ports.texting import Text, UnclearReply
from tests.fakes.texting import MemoryTexts


class MemoryErasures:
    def __init__(self, step: Callable[[], object] = do_nothing) -> None:
        self.rows: dict[tuple[str, str], Erasure] = {}
        self._step = step

    def save(self, erasure: Erasure) -> Erasure:
        self._step()
        held = self.rows.get((erasure.uid, erasure.id))
        if (held.seq if held else 0) != erasure.seq:
            raise StaleVersion("another worker goes on with it")
        self.rows[erasure.uid, erasure.id] = replace(erasure, seq=erasure.seq + 1)
        return self.rows[erasure.uid, erasure.id]

    def get(self, uid: str, erasure: str) -> Erasure:
        if (uid, erasure) not in self.rows:
            raise NotFound("There is no such erasure.")
        return self.rows[uid, erasure]

    def of_account(self, uid: str) -> list[Erasure]:
        found = [each for (owner, _), each in self.rows.items() if owner == uid]
        return sorted(found, key=lambda each: each.id, reverse=True)


class MemoryPersonalRows:
    """The rows about people that `MemoryTexts` holds, and those set aside by run."""

    def __init__(self, texts: MemoryTexts, step: Callable[[], object] = do_nothing) -> None:
        self.texts, self._step = texts, step
        self.replies: list[UnclearReply] = []
        self.asides: dict[str, list[Mapping[str, object]]] = {}

    def erase_contact(self, uid: str, channel: str, contact: str, since: int | None = None) -> int:
        place = (uid, channel, contact)
        self._step()
        log = self.texts.logs.get(place, {})  # type: ignore[call-overload]
        kept = {n: e for n, e in log.items() if since is not None and e.at >= since}
        if kept:
            gone = len(log) - len(kept)
            self.texts.logs[place] = kept  # type: ignore[index]
            return gone
        gone = len(self.texts.logs.pop(place, {}))  # type: ignore[call-overload]
        self._step()
        return gone + (self.texts.rows.pop(place, None) is not None)  # type: ignore[call-overload]

    def find_texts(self, uid: str, numbers: Iterable[str], day: str) -> list[Text]:
        wanted = set(numbers)
        kept = self.texts.kept.items()
        return [t for (u, d, _), t in kept if (u, d) == (uid, day) and t.number in wanted]

    def erase_texts(self, uid: str, numbers: Iterable[str], day: str) -> int:
        found = self.find_texts(uid, numbers, day)
        for text in found:
            self._step()
            del self.texts.kept[uid, day, text.id]
        return len(found)

    def find_replies(self, uid: str, numbers: Iterable[str]) -> list[UnclearReply]:  # noqa: ARG002
        wanted = set(numbers)
        return [reply for reply in self.replies if reply.number in wanted]

    def erase_replies(self, uid: str, numbers: Iterable[str]) -> int:
        found = self.find_replies(uid, numbers)
        self._step()
        self.replies = [reply for reply in self.replies if reply not in found]
        return len(found)

    def runs(self, uid: str, platform: str, after: str, limit: int) -> list[str]:  # noqa: ARG002
        return sorted(run for run in self.asides if run > after)[:limit]

    def find_asides(self, uid: str, run: str, traces: Traces) -> Iterator[Mapping[str, object]]:  # noqa: ARG002
        return (row for row in self.asides.get(run, ()) if traces.mark(row))

    def erase_asides(self, uid: str, run: str, traces: Traces) -> int:  # noqa: ARG002
        kept = [row for row in self.asides.get(run, ()) if not traces.mark(row)]
        gone = len(self.asides.get(run, ())) - len(kept)
        self._step()
        self.asides[run] = kept
        return gone

    def erase_run_asides(self, uid: str, run: str) -> int:  # noqa: ARG002
        return len(self.asides.pop(run, ()))

    def erase_notes(self, uid: str, records: Sequence[str]) -> int:  # noqa: ARG002
        return 0

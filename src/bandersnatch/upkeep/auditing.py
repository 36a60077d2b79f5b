"""Proof of completeness: what the selection wants of upstream's list is here, whole and published, or it is named.

The report is a file of JSON lines that another machine can check: the same mirror makes the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator

from bandersnatch import layout
from bandersnatch.errors import StorageError
from bandersnatch.values import Struct
from bandersnatch.verify.base import Finding, Ground, Kind, Record, Severity
from bandersnatch.verify.engine import Tell, Wish, verify
from bandersnatch.verify.reading import Pace, Reader

FORMAT = 1
"""Of the report."""

HARMLESS = (Severity.GARBAGE, Severity.UNWANTED)
"""What takes nothing from completeness."""

BESIDE = frozenset({Kind.WRONG_DATE, Kind.LOST_FROM_TRASH})
"""Findings about what is no part of what is published."""

Write = Callable[[str], None]


class Audit(Struct):
    """The sum of an audit, while it is made."""

    projects: int = 0
    files: int = 0
    bytes: int = 0
    incomplete: int = 0
    """Projects that are not complete, and lists of projects; the one number."""
    absent: int = 0
    """Projects that upstream lists and has no page of: nobody can have them."""

    def facts(self) -> dict[str, object]:
        """The last line of the report, but for what comes after this name."""
        return {
            "projects": self.projects,
            "files": self.files,
            "bytes": self.bytes,
            "incomplete": self.incomplete,
            "absent": self.absent,
        }


def line(facts: dict[str, object]) -> str:
    """*facts* as a line of the report: equal facts give equal bytes."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def is_report(begin: bytes) -> bool:
    """Whether a file that begins like this is a report."""
    return begin.startswith(b'{"audit":')


class Auditor:
    """Writes the report while a verification goes through the mirror. Blocks. Raises StorageError, CatalogueError."""

    def __init__(self, ground: Ground, address: str, write: Write) -> None:
        self._ground = ground
        self._write = write
        self._reader = Reader(ground.place, Pace(0))
        self._pending: list[str] = []
        self._damaged_and_behind: set[str] = set()
        self._digest = hashlib.sha256()
        self.sum = Audit()
        self._put({"audit": FORMAT, "upstream": address, "serial": ground.catalogue.serial()})

    def run(self, wish: Wish, now: float, tell: Tell = lambda _name, _bytes: None) -> Audit:
        """The whole of it; *now*: seconds since the epoch."""

        def project(name: str, read: int) -> None:
            self._project(name)
            tell(name, read)

        late: list[str] = []
        for finding in verify(self._ground, wish, now, tell=project):
            if finding.kind.severity in HARMLESS or finding.kind in BESIDE:
                continue
            if finding.kind is Kind.BEHIND:
                late += self._pending_lines()
                self._behind(finding)
            else:
                self._pending.append(_said(finding))
        late += self._pending_lines()
        for reason in late:
            self.sum.incomplete += 1
            self._put({"incomplete": "", "reason": reason})
        self._absent()
        self._index()
        self._end()
        return self.sum

    def _pending_lines(self) -> list[str]:
        """What was found after the last project: about the list of projects, or late, beside a run."""
        pending, self._pending = self._pending, []
        return pending

    def _project(self, name: str) -> None:
        record = self._ground.record(name)
        problems = self._pending_lines()
        if record is None or record.entry.departing:
            return
        files = list(self._files(record))
        facts: dict[str, object] = {
            "project": name,
            "serial": record.entry.serial,
            "pages": {key: self._sha256(key) for key, _ in record.published.pages},
            "files": files,
        }
        if problems:
            facts["problems"] = problems
            self.sum.incomplete += 1
            if record.entry.tries:
                self._damaged_and_behind.add(name)
        self.sum.projects += 1
        self.sum.files += len(record.published.held)
        self.sum.bytes += sum(held.size for held in record.published.held)
        self._put(facts)

    def _files(self, record: Record) -> Iterator[dict[str, object]]:
        """Every object that lies there because of a file, in the order of the page."""
        for held in record.published.held:
            for key in layout.keys_of(record.name, held):
                if key == layout.file_key(held.file):
                    yield {"key": key, "sha256": held.file.sha256, "size": held.size}
                elif key == layout.metadata_key(held.file):
                    yield {"key": key, "sha256": held.metadata}
                else:
                    yield {"key": key, "sha256": self._sha256(key)}

    def _sha256(self, key: str) -> str | None:
        try:
            read = self._reader.sha256(key)
        except StorageError:
            return None  # a finding says so
        return read[0] if read else None

    def _behind(self, finding: Finding) -> None:
        if finding.project not in self._damaged_and_behind:  # else it was counted
            self.sum.incomplete += 1
        self._put({"incomplete": finding.project, "reason": finding.what})

    def _absent(self) -> None:
        selection = self._ground.selection
        if selection is not None and selection.names is not None:
            return  # whoever names a project misses it: it is behind
        for one in self._ground.catalogue.behind():
            if one.absent:
                self.sum.absent += 1
                self._put({"absent": one.name, "reason": one.reason})

    def _index(self) -> None:
        for keys in layout.index_keys().values():
            for key in keys:
                if self._ground.place.stat(key) is not None:
                    self._put({"index": key, "sha256": self._sha256(key)})

    def _end(self) -> None:
        self._write(line({**self.sum.facts(), "digest": self._digest.hexdigest()}))

    def _put(self, facts: dict[str, object]) -> None:
        text = line(facts)
        self._digest.update(text.encode() + b"\n")
        self._write(text)


def _said(finding: Finding) -> str:
    return ": ".join(part for part in (finding.kind, finding.key, finding.what) if part)

"""Held files that the present rules do not want: by the rules themselves, and by the policies that a run goes by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from packaging.version import InvalidVersion, Version

from bandersnatch import layout, names, plan
from bandersnatch.errors import StorageError
from bandersnatch.model import Held, Refusal
from bandersnatch.plan import Cause, Departure, Policy
from bandersnatch.selection import Context, Explained, Selection, Verdict
from bandersnatch.simple import fields
from bandersnatch.verify.base import Finding, Ground, Kind, Record
from bandersnatch.verify.reading import Reader

LONG_AGO = 0.0
"""When a held file was seen first, for want of a better moment."""

AT_LEAST = "releases.at-least"
"""The one rule by which the fewer files look the worse: what is held is not all that upstream has."""

Metadata = Mapping[str, Mapping[str, tuple[str, ...]]]


def unwanted(ground: Ground, reader: Reader, now: float, record: Record) -> Iterator[Finding]:
    """
    The files that the next run would take off the project's page because of the rules.

    They are judged as if upstream had what is held and no more.
    """
    selection = ground.selection
    if selection is None or record.entry.departing:
        return
    if not selection.wants(record.name):
        if ground.policies.of(Cause.DESELECTED) is not Policy.KEEP:
            yield from _whole_project(selection, record)
    elif selection.is_index_only(record.name):
        for held in record.published.held:
            yield _finding(record, held, "only its page is wanted (select.index-only)")
    else:
        for departure in _Judge(ground, selection, reader, now, record).departures():
            yield _finding(record, departure.held, departure.reason)


def not_taken(record: Record) -> Iterator[Finding]:
    """What upstream listed when the page was made, and is left out; what makes the project behind is told as that."""
    for one in record.published.rejected:
        if one.refusal is not Refusal.UNUSABLE:
            yield Finding(Kind.NOT_TAKEN, record.name, "", f"{one.filename}: {one.reason}")


def _whole_project(selection: Selection, record: Record) -> Iterator[Finding]:
    reason = f"{Cause.DESELECTED}: {selection.explain_name(record.name).deciding.reason}"
    for held in record.published.held:
        yield _finding(record, held, reason)
    if not record.published.held:
        yield Finding(Kind.UNWANTED, record.name, layout.page_keys(record.name)["json"][0], reason)


def _finding(record: Record, held: Held, reason: str) -> Finding:
    return Finding(Kind.UNWANTED, record.name, layout.file_key(held.file), reason)


class _Judge:
    """The rules, in front of one project of which something is wanted."""

    def __init__(self, ground: Ground, selection: Selection, reader: Reader, now: float, record: Record) -> None:
        self._ground = ground
        self._selection = selection
        self._reader = reader
        self._now = now
        self._record = record
        self._by_metadata = {rule.name for rule in selection.rules if getattr(rule, "needs_metadata", False)}

    def departures(self) -> tuple[Departure, ...]:
        record, project = self._record, self._record.project
        seen = {held.file.sha256: LONG_AGO for held in record.published.held} | dict(record.published.seen)
        metadata = self._metadata() if self._selection.needs_metadata(record.name) else {}
        context = Context(self._now, seen, metadata)
        dropped = {one.file.filename for one in self._selection.apply(project, context).dropped}
        if not dropped:
            return ()
        refused: dict[str, Verdict] = {}
        for explained in self._selection.explain(project, context):
            verdict = self._refusal(explained, metadata) if explained.filename in dropped else None
            if verdict is not None:
                refused[explained.filename] = verdict
        drop = [held for held in record.published.held if held.file.filename in refused]
        return plan.depart(drop, project, refused, self._ground.policies)[1]

    def _refusal(self, explained: Explained, metadata: Metadata) -> Verdict | None:
        """The first refusal that would be one in front of all that upstream has as well."""
        release = names.version_of(explained.filename, self._record.name) or ""
        unsure = {AT_LEAST} | (set() if release in metadata else self._by_metadata)
        if self._is_settled:
            unsure |= self._by_metadata | self._of_whole_pages
        return next((one for one in explained.verdicts if not one.wanted and one.rule not in unsure), None)

    @property
    def _is_settled(self) -> bool:
        """Whether the page was made by these very rules: then they saw all that upstream has, and let this pass."""
        entry = self._record.entry
        is_due = entry.review is not None and entry.review <= self._now
        return self._ground.has_asked(entry.name, entry.selection) and not is_due

    @property
    def _of_whole_pages(self) -> set[str]:
        """The rules that judge a file by what else is there."""
        found = {rule.name for rule in self._selection.rules if getattr(rule, "scope", "") == "project"}
        return found | ({self._selection.newest.name} if self._selection.newest else set())

    # --- core metadata, as far as the mirror has it ----------------------------------------------------------------

    def _metadata(self) -> Metadata:
        """By release as a run would have it, without the releases of which nothing is here."""
        releases: dict[str, list[Held]] = {}
        for held in self._record.published.held:
            releases.setdefault(names.version_of(held.file.filename, self._record.name) or "", []).append(held)
        if self._ground.metadata_of_each:
            found = {release: self._of_release(files) for release, files in releases.items()}
            return {release: one for release, one in found.items() if one is not None}
        newest = max(releases, key=_rank, default="")
        of_newest = self._of_release(releases.get(newest, []))
        return {} if of_newest is None else dict.fromkeys(releases, of_newest)

    def _of_release(self, files: list[Held]) -> Mapping[str, tuple[str, ...]] | None:
        for held in sorted(files, key=lambda one: not one.file.filename.endswith(".whl")):
            if held.metadata is not None:
                try:
                    data = self._reader.content(layout.metadata_key(held.file))
                except StorageError:
                    continue  # told where it is looked for
                if data is not None:
                    return fields.from_metadata(data)
        return None


def _rank(release: str) -> tuple[bool, bool, Version]:
    """As a run ranks releases: finals before pre-releases before what is no version at all, the newest last."""
    try:
        version = Version(release)
    except InvalidVersion:
        return False, False, Version("0")
    return True, not version.is_prerelease, version

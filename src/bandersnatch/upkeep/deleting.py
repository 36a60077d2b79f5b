"""What an operator takes off the mirror by hand, in the order of every removal: page, list of projects, files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from packaging.version import InvalidVersion, Version

from bandersnatch import layout, names
from bandersnatch.catalogue.base import Commit, Entry, Failure, Leaving
from bandersnatch.errors import Problem, UsageError
from bandersnatch.model import Held, Project, Validators
from bandersnatch.selection import Context, Selection
from bandersnatch.sync.finish import publish_index, take_down
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.run import Ready
from bandersnatch.upkeep.served import page_with, settle_now
from bandersnatch.values import Struct, replace
from bandersnatch.verify.base import Ground, Record
from bandersnatch.verify.strangers import owners

BY_HAND = "deleted by hand"
"""The reason that the journal and the trash give."""

AGAIN = "it was deleted by hand, and the next run fetches it again unless the configuration excludes it"

AT_ONCE = 64
"""Projects that share one synchronisation of the disk."""


class Doomed(Struct, frozen=True):
    """What is to be deleted of one project."""

    record: Record
    held: tuple[Held, ...]
    """The files that leave."""
    whole: bool
    """Whether the project itself leaves."""
    lines: tuple[str, ...]
    """What in the configuration keeps it away; empty where the configuration does not want it anyway."""

    @property
    def bytes(self) -> int:
        return sum(one.size for one in self.held)


def find(ground: Ground, written: Iterable[str], now: float) -> list[Doomed]:
    """
    What ``NAME``, ``NAME==VERSION`` or the name of a file stands for, project by project. Changes nothing.

    Raises UsageError with everything that is not here, CatalogueError and StorageError.
    """
    found: defaultdict[str, dict[str, Held]] = defaultdict(dict)
    lines: defaultdict[str, dict[str, None]] = defaultdict(dict)
    whole: set[str] = set()
    records: dict[str, Record] = {}
    problems: list[Problem | str] = []
    for text in written:
        record, held, line = _resolve(ground, text)
        if record is None:
            problems.append(f"{text}: nothing of that name is published here; NAME, NAME==VERSION or a file name")
            continue
        records[record.name] = record
        found[record.name] |= {layout.file_key(one.file): one for one in held}
        lines[record.name][line] = None
        if line == _line(record.name):
            whole.add(record.name)
    if problems:
        raise UsageError(*problems)
    return [
        _doomed(ground, records[name], tuple(held.values()), name in whole, tuple(lines[name]), now)
        for name, held in sorted(found.items())
    ]


def _resolve(ground: Ground, text: str) -> tuple[Record | None, tuple[Held, ...], str]:
    """The project, the files of it that are meant, and the line that would keep them away."""
    name, is_release, version = (part.strip() for part in text.partition("=="))
    record = ground.record(names.normalise(name)) if names.is_project_name(name) else None
    if is_release:
        held = () if record is None else tuple(one for one in record.published.held if _is_of(one, record, version))
        return (record if held else None), held, f'exclude.projects = ["{name}=={version}"]'
    if record is not None:
        return record, record.published.held, _line(record.name)
    for owner in owners(f"packages/{text}"):
        record = ground.record(owner)
        held = () if record is None else tuple(one for one in record.published.held if one.file.filename == text)
        if held:
            return record, held, f'files.exclude-names = ["{text}"]'
    return None, (), ""


def _line(name: str) -> str:
    return f'exclude.projects = ["{name}"]'


def _is_of(held: Held, record: Record, wanted: str) -> bool:
    return is_version(names.version_of(held.file.filename, record.name), wanted)


def is_version(found: str | None, wanted: str) -> bool:
    """Whether the version that a file has is the one that somebody wrote, in whatever spelling."""
    try:
        return found is not None and Version(found) == Version(wanted)
    except InvalidVersion:
        return found == wanted


def _doomed(
    ground: Ground, record: Record, held: tuple[Held, ...], whole: bool, lines: tuple[str, ...], now: float
) -> Doomed:
    whole = whole or len(held) == len(record.published.held)
    wanted = ground.selection is None or wants(ground.selection, record, held, now)
    return Doomed(record, held, whole, lines if wanted else ())


def wants(selection: Selection, record: Record, held: Sequence[Held], now: float) -> bool:
    """Whether a run would want any of *held*, as far as the rules can tell without upstream and without metadata."""
    if not selection.wants(record.name):
        return False
    rules = tuple(rule for rule in selection.rules if not getattr(rule, "needs_metadata", False))
    seen = {one.file.sha256: 0.0 for one in held}
    page = Project(record.name, tuple(one.file for one in held))
    judged = replace(selection, rules=rules, newest=None).apply(page, Context(now, seen))
    return not held or bool(judged.project.files)


# --- doing it ------------------------------------------------------------------------------------------------------


def delete(mirror: Mirror, doomed: Sequence[Doomed], now: float) -> None:
    """
    Take *doomed* off the pages, then off the list of projects; the files leave storage after the grace time.

    What the configuration wants all the same is due in the next run. The lock must be held. Blocks. Raises
    StorageError and CatalogueError.
    """
    # In doubt until it is done: pages are deleted before the catalogue knows.
    mirror.catalogue.suspect([one.record.name for one in doomed], now, files=False)
    for first in range(0, len(doomed), AT_ONCE):
        settle_now(mirror, [_ready(mirror, one, now) for one in doomed[first : first + AT_ONCE]], now)
    publish_index(mirror)
    take_down(mirror)


def _ready(mirror: Mirror, one: Doomed, now: float) -> Ready:
    record = one.record
    leaving = tuple(
        Leaving(key, record.name, BY_HAND) for held in one.held for key in layout.keys_of(record.name, held)
    )
    entry = _entry(one)
    failure = Failure(record.name, AGAIN, now, tries=entry.tries + 1) if one.lines else None
    if one.whole:
        published = replace(record.published, held=(), seen=())
        page = Project(record.name, serial=entry.serial)
    else:
        gone = set(one.held)
        published = replace(record.published, held=tuple(held for held in record.published.held if held not in gone))
        page = page_with(mirror, record, published.held)
    return Ready(Commit(entry, published, leaving, failure), page, trusted=False)


def _entry(one: Doomed) -> Entry:
    """The project's new entry: whatever is done with it next, upstream's page is read anew."""
    entry = replace(one.record.entry, validators=Validators(), digest="", selection="", suspect=False)
    if not one.whole:
        return entry
    return replace(entry, indexed=False, departing=True, wanted=bool(one.lines))


def described(one: Doomed) -> Iterator[str]:
    """What is to be deleted, for people: a line for each file, and how it stays away."""
    for held in one.held:
        yield f"{one.record.name}: {held.file.filename}: {held.size:,} bytes"
    if one.whole:
        yield f"{one.record.name}: its page, and its line in the list of projects"
    if one.lines:
        yield f"{one.record.name}: the next run fetches it again, unless the configuration says so: " + " ".join(
            one.lines
        )

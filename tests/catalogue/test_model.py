"""Any sequence of calls leaves the catalogue as a plain dict of projects would be left."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bandersnatch.catalogue.base import Behind, Catalogue, Commit, Entry, Published, Sliced, Totals
from bandersnatch.model import Listed
from bandersnatch.values import replace
from tests.catalogue.conftest import ADAPTERS
from tests.catalogue.samples import FOREVER, Clock, commit, digest, failure, held, leaving_keys

NAMES = st.sampled_from(["a", "b", "b-c", "d"])
SERIALS = st.none() | st.integers(0, 5)
LINES = st.lists(
    st.builds(
        lambda name, serial, upper: Listed(name, name.upper() if upper else name, serial), NAMES, SERIALS, st.booleans()
    ),
    max_size=5,
)
VERSIONS = st.lists(st.sampled_from(["1.0", "2.0", "3.0"]), max_size=2, unique=True)
KEYS = st.lists(st.sampled_from(["packages/x", "packages/y"]), max_size=2, unique=True)


def _digest(lines: Sequence[Listed]) -> bytes:
    return repr(lines).encode()


@dataclass
class Known:
    """What the model knows of one project."""

    entry: Entry
    due: float | None
    reason: str | None = None
    since: float | None = None
    published: Published = field(default_factory=Published)

    def settle(self) -> None:
        """Nothing to do, nothing to complain about."""
        self.due = self.reason = self.since = None
        self.entry = replace(self.entry, tries=0)

    @property
    def is_broken(self) -> bool:
        """Whether a promise is not kept."""
        entry = self.entry
        return entry.promised is not None and (entry.serial is None or entry.serial < entry.promised)

    @property
    def line(self) -> tuple[str, int | None] | None:
        return (self.entry.display, self.entry.serial) if self.entry.indexed else None


class Model(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.clock = Clock(1.0)
        self.known: dict[str, Known] = {}
        self.leaving: dict[str, tuple[float, str]] = {}
        self.facts: dict[str, str] = {}

    @initialize(adapter=st.sampled_from(sorted(ADAPTERS)))
    def open(self, adapter: str) -> None:
        self.adapter = ADAPTERS[adapter]
        self.catalogue: Catalogue = self.adapter(self.directory, self.clock)

    @property
    def now(self) -> float:
        return self.clock.now

    @rule(seconds=st.integers(1, 3))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule()
    def begin_a_new_run(self) -> None:
        self.catalogue.close()
        self.catalogue = self.adapter(self.directory, self.clock)

    @rule()
    def publish_the_index(self) -> None:
        self.catalogue.set({"index-stale": None})
        self.facts.pop("index-stale", None)

    # --- what upstream has -----------------------------------------------------------------------------------------

    @rule(lines=LINES)
    def want(self, lines: list[Listed]) -> None:
        self.catalogue.want(lines, self.now)
        for line in lines:
            self.known.setdefault(line.name, Known(Entry(line.name, line.display, line.serial), self.now))

    @rule(lines=LINES, serial=st.none() | st.integers(0, 9))
    def take_list(self, lines: list[Listed], serial: int | None) -> None:
        fact = None if serial is None else str(serial)
        self.catalogue.begin_listing()
        self.catalogue.absorb(lines[:2])
        self.catalogue.absorb(lines[2:])
        last = {line.name: line for line in lines}
        diff = self.catalogue.compare()
        shown = [name for name in sorted(self.known) if self._is_missed(self.known[name])]
        assert diff.known == sum(one.entry.indexed and one.entry.wanted for one in self.known.values())
        assert diff.missing == tuple(name for name in shown if name not in last)
        assert diff.new == len(last.keys() - self.known.keys())
        moved = [name for name in last.keys() & self.known.keys() if self._moves(last[name])]
        assert diff.changed == len(moved)
        self.catalogue.adopt(self.now, {"list-serial": fact})
        for line in last.values():
            self._promise(line)
        self.facts.pop("list-serial", None)
        if fact is not None:
            self.facts["list-serial"] = fact

    @rule(lines=LINES, serial=st.none() | st.integers(0, 9), whole=st.booleans(), cut=st.booleans())
    def take_list_in_slices(self, lines: list[Listed], serial: int | None, whole: bool, cut: bool) -> None:
        """Two lines make a slice; one whose lines came before, and that nothing strayed from, is not given again."""
        parts = {_digest(part): part for part in (lines[:2], lines[2:4], lines[4:]) if part}
        listed = {line.name: line for part in parts.values() for line in part}
        self.catalogue.begin_listing()
        known = self.catalogue.slices()
        read = {line.name: line for at, part in parts.items() if at not in known for line in part}
        for at, part in parts.items():
            if at in known:
                assert known[at].count == len(part)
                assert all(line.name in self.known for line in part)
                self.catalogue.note([], [at])
            else:
                self.catalogue.absorb(part)
                self.catalogue.note([Sliced(at, len(part), None, tuple(line.name for line in part))], [])
        diff = self.catalogue.compare()
        missed = [name for name in sorted(self.known) if self._is_missed(self.known[name])]
        assert diff.missing == tuple(name for name in missed if name not in listed)
        assert diff.new == len(listed.keys() - self.known.keys())
        assert diff.changed == sum(self._moves(line) for name, line in read.items() if name in self.known)
        self.catalogue.adopt(self.now, {}, whole=whole, cut=cut)
        for line in read.values():
            self._promise(line)
        for name in [name for name, one in self.known.items() if whole and not one.entry.published]:
            if name not in listed:
                self._note_index(self.known.pop(name).line, None)

    @rule(lines=LINES)
    def promise(self, lines: list[Listed]) -> None:
        self.catalogue.promise(lines, self.now, {})
        for line in lines:
            self._promise(line)

    @staticmethod
    def _is_missed(one: Known) -> bool:
        entry = one.entry
        return entry.published and entry.wanted and (entry.missing_since is None or one.due is not None)

    def _moves(self, line: Listed) -> bool:
        return self.known[line.name].entry.promised != line.serial

    def _promise(self, line: Listed) -> None:
        one = self.known.setdefault(line.name, Known(Entry(line.name, line.display, line.serial), self.now))
        before = one.line
        if self._moves(line) or one.entry.departing:
            one.due = self.now if one.due is None else min(one.due, self.now)
        since = None if one.entry.published else one.entry.missing_since
        doubt = replace(one.entry, selection="" if one.entry.departing else one.entry.selection)
        one.entry = replace(doubt, display=line.display, promised=line.serial, missing_since=since, departing=False)
        self._note_index(before, one.line)

    @rule(waiting=st.booleans())
    def make_due(self, waiting: bool) -> None:
        self.catalogue.make_due(self.now, waiting=waiting)
        for one in self.known.values():
            if one.entry.wanted and (waiting or not one.entry.tries):
                one.due = self.now if one.due is None else min(one.due, self.now)

    @rule(wanted=st.sets(NAMES), unwanted=st.sets(NAMES), leave=st.booleans())
    def reselect(self, wanted: set[str], unwanted: set[str], leave: bool) -> None:
        self.catalogue.reselect(sorted(wanted - unwanted), sorted(unwanted), self.now, leave=leave)
        for name in (wanted - unwanted) & self.known.keys():
            one = self.known[name]
            if not one.entry.wanted:
                one.settle()
            waits = one.entry.tries and one.due is not None and one.due > self.now
            one.due = one.due if waits else self.now
            one.entry = replace(one.entry, wanted=True, selection="")
        for name in unwanted & self.known.keys():
            one = self.known[name]
            if not one.entry.published:
                self._note_index(self.known.pop(name).line, None)
                continue
            one.settle()
            one.due = self.now if leave else None
            one.entry = replace(one.entry, wanted=False, review=None)

    @rule()
    def wake(self) -> None:
        self.catalogue.wake(self.now, FOREVER)
        for one in self.known.values():
            time = one.entry.review
            if one.entry.wanted and not one.entry.tries and time is not None and time <= self.now:
                one.due = self.now if one.due is None else min(one.due, self.now)

    @rule()
    def doubt(self) -> None:
        self.catalogue.doubt()
        for one in self.known.values():
            if one.due is not None:
                one.entry = replace(one.entry, selection="")

    @rule(names=st.lists(NAMES, max_size=2))
    def keep(self, names: list[str]) -> None:
        self.catalogue.keep(names)
        for one in (self.known[name] for name in names if name in self.known):
            one.settle()

    @rule(names=st.sets(NAMES))
    def retire(self, names: set[str]) -> None:
        self.catalogue.retire(sorted(names))
        for name in names & self.known.keys():
            one = self.known[name]
            if one.entry.departing and one.entry.wanted and one.entry.missing_since is None:
                one.entry = replace(one.entry, published=False, departing=False)
                one.published = Published(seen=one.published.seen)
            elif one.entry.departing:
                self._note_index(self.known.pop(name).line, None)

    @rule(names=st.lists(NAMES, max_size=3))
    def missing(self, names: list[str]) -> None:
        self.catalogue.missing(names, self.now)
        for one in (self.known[name] for name in names if name in self.known):
            since = self.now if one.entry.missing_since is None else one.entry.missing_since
            one.entry = replace(one.entry, missing_since=since)
            one.due = self.now if one.due is None else min(one.due, self.now)

    # --- work ------------------------------------------------------------------------------------------------------

    @rule(
        name=NAMES, serial=SERIALS, promised=SERIALS, indexed=st.booleans(), departing=st.booleans(),
        versions=VERSIONS, leaving=KEYS, fails=st.booleans(), empty=st.booleans(),
        seen=st.booleans(), review=st.none() | st.integers(1, 20),
    )  # fmt: skip
    def commit(
        self,
        name: str,
        serial: int | None,
        promised: int | None,
        indexed: bool,
        departing: bool,
        versions: list[str],
        leaving: list[str],
        fails: bool,
        empty: bool,
        seen: bool,
        review: float | None,
    ) -> None:
        one = commit(
            name, serial, *(held(name, version) for version in versions),
            promised=promised, indexed=indexed, departing=departing, leaving=leaving, review=review,
        )  # fmt: skip
        if empty:
            one = replace(one, published=Published())
        if seen:
            one = replace(one, published=replace(one.published, seen=((digest("young"), 1.0),)))
        if fails:
            one = replace(one, failure=failure(name, self.now + 2, "half"))
        self.catalogue.commit([one])
        self._commit(one)

    def _commit(self, new: Commit) -> None:
        name = new.entry.name
        one = self.known.setdefault(name, Known(Entry(name, ""), 0.0))
        before = one.line
        promises = [serial for serial in (one.entry.promised, new.entry.promised) if serial is not None]
        one.entry = replace(new.entry, promised=max(promises, default=None), tries=one.entry.tries)
        one.published = new.published
        if new.failure is not None:
            self._fail(name, "half", self.now + 2, None)
        elif not one.is_broken or new.entry.serial is None:
            one.settle()
        elif one.due is None:
            one.due = 0.0
        for leaving in new.leaving:
            self.leaving.setdefault(leaving.key, (self.now, name))
        self._note_index(before, one.line)

    @rule(names=st.lists(NAMES, max_size=3))
    def unchanged(self, names: list[str]) -> None:
        self.catalogue.unchanged(names, self.now)
        for one in (self.known[name] for name in names if name in self.known):
            one.settle()
            one.entry = replace(one.entry, missing_since=None)

    @rule(name=NAMES, wait=st.integers(0, 4), missing=st.booleans())
    def fail(self, name: str, wait: int, missing: bool) -> None:
        since = self.now if missing else None
        self.catalogue.fail([failure(name, self.now + wait, "why", since)], self.now)
        self._fail(name, "why", self.now + wait, since)

    def _fail(self, name: str, reason: str, next_try: float, missing_since: float | None) -> None:
        if (one := self.known.get(name)) is None:
            return
        one.due, one.reason = next_try, reason
        one.since = self.now if one.since is None else one.since
        missing_since = one.entry.missing_since if missing_since is None else missing_since
        one.entry = replace(one.entry, tries=one.entry.tries + 1, missing_since=missing_since)

    @rule(names=st.lists(NAMES, max_size=2))
    def forget(self, names: list[str]) -> None:
        self.catalogue.forget(names)
        for name in names:
            if (one := self.known.pop(name, None)) is not None:
                self._note_index(one.line, None)

    @rule(keys=KEYS)
    def left(self, keys: list[str]) -> None:
        self.catalogue.left(keys)
        for key in keys:
            self.leaving.pop(key, None)

    def _note_index(self, before: object, after: object) -> None:
        if before != after:
            self.facts["index-stale"] = "1"

    # --- the same --------------------------------------------------------------------------------------------------

    @invariant()
    def same_projects(self) -> None:
        for name in ("a", "b", "b-c", "d"):
            one = self.known.get(name)
            assert self.catalogue.entry(name) == (one.entry if one else None)
            assert self.catalogue.published(name) == (one.published if one else Published())

    @invariant()
    def same_work(self) -> None:
        for moment in (self.now, self.now + 2, FOREVER):
            due = [self.known[name] for name in sorted(self.known)]
            expected = [one.entry for one in due if one.due is not None and one.due <= moment]
            assert self.catalogue.due(moment, "", 9) == expected
            assert self.catalogue.count_due(moment) == len(expected)
        assert list(self.catalogue.behind()) == self._behind()

    def _behind(self) -> list[Behind]:
        behind = []
        for name in sorted(self.known):
            one = self.known[name]
            entry = one.entry
            if entry.tries:
                assert one.reason is not None
                assert one.since is not None
                assert one.due is not None
                absent = not entry.published and entry.missing_since is not None
                facts = (one.since, entry.tries, one.due, entry.promised, entry.serial, absent)
                behind.append(Behind(name, one.reason, *facts))
        return behind

    @invariant()
    def same_whole(self) -> None:
        all_ = self.known.values()
        behind = self._behind()
        absent = sum(one.absent for one in behind)
        assert self.catalogue.totals() == Totals(
            projects=sum(one.entry.published for one in all_),
            files=sum(len(one.published.held) for one in all_),
            bytes=sum(file.size for one in all_ for file in one.published.held),
            due=sum(one.due is not None for one in all_),
            behind=len(behind) - absent,
            absent=absent,
        )
        index = [Listed(name, *line) for name, one in sorted(self.known.items()) if (line := one.line) is not None]
        assert list(self.catalogue.index()) == index
        assert self.catalogue.departing() == sorted(name for name, one in self.known.items() if one.entry.departing)
        assert self.catalogue.serial() == self._serial()
        assert self.catalogue.get("index-stale") == self.facts.get("index-stale")
        assert leaving_keys(self.catalogue, self.now) == sorted(
            key for key, (at, name) in self.leaving.items() if at < self.now and not self._is_in_doubt(name)
        )

    def _serial(self) -> int | None:
        if "list-serial" not in self.facts:
            return None
        broken = [one.entry.promised for one in self.known.values() if self._holds_back(one)]
        return min([int(self.facts["list-serial"]), *(promised - 1 for promised in broken if promised is not None)])

    def _is_in_doubt(self, name: str) -> bool:
        one = self.known.get(name)
        return one is not None and one.due is not None and one.entry.selection == ""

    @staticmethod
    def _holds_back(one: Known) -> bool:
        entry = one.entry
        waits = one.due is not None and entry.wanted and one.is_broken
        return waits and (entry.published or entry.missing_since is None)

    def teardown(self) -> None:
        self.catalogue.close()
        shutil.rmtree(self.directory)


Model.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestModel = pytest.mark.usefixtures("quick")(Model.TestCase)

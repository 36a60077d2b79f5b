"""Anything may happen to upstream, to the mirror, to the run and to the rules, in any order: the promises hold."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bandersnatch import assemble
from bandersnatch.catalogue import opening
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.sync.engine import Wish
from bandersnatch.testing import (
    Behaviour,
    Body,
    Corrupt,
    Cut,
    Fault,
    Index,
    NoContentType,
    Reset,
    Status,
    UpstreamServer,
)
from bandersnatch.verify.base import Kind
from tests.faults.counting import Count
from tests.faults.machine.model import NOTHING, Model, Page
from tests.storage.watched import Quick
from tests.sync.test_crash import Dying, lived
from tests.verify.conftest import Tree

PROJECTS = ("alpha", "beta", "gamma", "delta")
VERSIONS = ("1.0", "2.0", "3.0rc1")
KINDS = ("wheel", "sdist")
GRACE = 3600.0

GARBAGE = frozenset({Kind.UNKNOWN_OBJECT, Kind.UNKNOWN_IN_TRASH})
"""What may be left where a run was cut off, or its memory lost: harmless, and for ``bandersnatch gc``."""

PROJECT = st.sampled_from(PROJECTS)
PAGE_FAULT = st.sampled_from([Status(404), Status(503), Status(429), Reset(), Cut(10), NoContentType(), Body(b"{}")])
FILE_FAULT = st.sampled_from([Status(404), Status(503), Reset(), Corrupt(), Cut(20)])


class Quickly(Dying, Quick):
    """Dies at a call, and does not wait for the disk until then."""


class Machine(RuleBasedStateMachine):
    """One upstream, one mirror, and all that can happen to both."""

    upstream: UpstreamServer
    now = 0.0

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        self.upstream.index = Index()
        self.upstream.clear_faults()
        self.upstream.behaviour = Behaviour()
        self.tree = Tree(self.upstream, self.folder / "mirror")
        self.tree.settings = {"mirror.grace": f"{GRACE:.0f}s", "removal.trash": "1d"}
        self.model = Model()
        self.excluded: set[str] = set()
        self.failing: set[str] = set()
        """Projects that something is wrong with upstream, or that wait for their next try since."""
        self.list_is_wrong = False
        self.whole = False
        """Whether the last run lived to its end."""
        self.garbage = False
        """Whether something happened that may leave objects which nobody knows."""
        self.looks: list[tuple[float, str, list[Path]]] = []
        self.index.upload("keeper", "1.0")  # an upstream that has nothing at all is not believed
        self.upstream_changed("keeper")

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def index(self) -> Index:
        return self.upstream.index

    # --- upstream changes ------------------------------------------------------------------------------------------

    def upstream_changed(self, name: str) -> None:
        self.model.changed(name, NOTHING if name in self.excluded else self.truth(name))

    def truth(self, name: str) -> Page:
        """What upstream offers of a project."""
        state = self.index.project(name)
        if state is None or state.status == "quarantined":
            return NOTHING
        releases = {release.version: release for release in state.releases}
        return frozenset(
            (file.filename, file.sha256, releases[file.version].yanked)
            for file in state.files
            if not releases[file.version].quarantined
        )

    @rule(name=PROJECT, version=st.sampled_from(VERSIONS), kind=st.sampled_from(KINDS), padding=st.integers(0, 300))
    def upload(self, name: str, version: str, kind: str, padding: int) -> None:
        """A new file, or one with the name of a file that was removed, and other bytes."""
        with contextlib.suppress(ValueError):
            self.index.upload(name, version, kind, padding=padding, provenance=version == "2.0")
        self.upstream_changed(name)

    @rule(name=PROJECT, version=st.sampled_from(VERSIONS), what=st.sampled_from(["yank", "unyank", "remove_release"]))
    def change_release(self, name: str, version: str, what: str) -> None:
        with contextlib.suppress(KeyError):
            getattr(self.index, what)(name, version)
        self.upstream_changed(name)

    @rule(
        name=PROJECT,
        what=st.sampled_from(["remove_project", "quarantine", "clear_quarantine", "archive", "change_role", "create"]),
    )
    def change_project(self, name: str, what: str) -> None:
        with contextlib.suppress(KeyError):
            getattr(self.index, what)(name)
        self.upstream_changed(name)

    # --- upstream is not well --------------------------------------------------------------------------------------

    @rule(name=PROJECT, fault=PAGE_FAULT, times=st.sampled_from([1, 3, None]))
    def break_page(self, name: str, fault: Fault, times: int | None) -> None:
        self.upstream.fault(f"/simple/{name}/", fault, times=times)
        self.failing.add(name)

    @rule(name=PROJECT, fault=FILE_FAULT, times=st.sampled_from([1, 3, None]))
    def break_files(self, name: str, fault: Fault, times: int | None) -> None:
        self.upstream.fault(f"/packages/*/{name}-*", fault, times=times)
        self.failing.add(name)
        self.model.partial.add(name)

    @rule(name=PROJECT, back=st.integers(1, 6))
    def let_page_lag(self, name: str, back: int) -> None:
        stale = {**self.upstream.behaviour.stale, name: max(0, self.index.serial - back)}
        self.upstream.behaviour = replace(self.upstream.behaviour, stale=stale)
        self.failing.add(name)

    @rule(back=st.integers(1, 6))
    def let_list_lag(self, back: int) -> None:
        self.upstream.behaviour = replace(self.upstream.behaviour, list_lag=back)
        self.list_is_wrong = True

    @rule(kept=st.sets(PROJECT, max_size=3), fault=st.sampled_from(["shorter", "empty", "away", "cut"]))
    def break_list(self, kept: set[str], fault: str) -> None:
        """The list lacks projects that are there, has none, or cannot be read."""
        serial = self.index.serial
        known = [state for state in self.index.projects() if state.name in kept]
        lines = [{"name": state.display, "_last-serial": state.serial} for state in known if fault == "shorter"]
        body = json.dumps({"meta": {"api-version": "1.4", "_last-serial": serial}, "projects": lines}).encode()
        refused: dict[str, Fault] = {"away": Status(503), "cut": Cut(30)}
        list_ = Body(body, headers={"X-PyPI-Last-Serial": str(serial)})
        self.upstream.fault("/simple/", refused.get(fault, list_), times=None)
        self.list_is_wrong = True

    @rule()
    def heal(self) -> None:
        """All is well upstream; what failed waits for its next try."""
        self.upstream.clear_faults()
        self.upstream.behaviour = Behaviour()
        self.list_is_wrong = False

    # --- runs ------------------------------------------------------------------------------------------------------

    def ran(self, *, full: bool = False) -> str:
        Machine.now = self.tree.now + 600
        outcome = self.tree.run(full=full, accept_removals=not self.list_is_wrong).outcome
        self.whole = True
        healthy = not self.list_is_wrong and self.upstream.behaviour == Behaviour()
        if healthy:
            self.model.read(name for name in (*PROJECTS, "keeper") if name not in self.failing)
        return outcome

    @rule()
    def run(self) -> None:
        self.ran()

    @rule()
    def mend(self) -> None:
        """Upstream is well again, and a full run sees to everything, whatever failed before."""
        self.heal()
        self.failing.clear()
        assert self.ran(full=True) == "clean"

    @rule(calls=st.integers(1, 250))
    def run_and_die(self, calls: int) -> None:
        self.tree.now += 600
        Machine.now = self.tree.now
        self.whole = lived(self.tree, self.tree.config(), Quickly(calls), Wish(accept_removals=not self.list_is_wrong))
        self.garbage = True

    # --- the operator ----------------------------------------------------------------------------------------------

    @rule(name=PROJECT)
    def change_rules(self, name: str) -> None:
        """Exclude a project, or no longer."""
        self.excluded ^= {name}
        self.tree.settings["exclude.projects"] = sorted(self.excluded)
        self.upstream_changed(name)

    @rule()
    def lose_state(self) -> None:
        """The catalogue is gone; without it nobody knows what left its page and waits, or what is in the trash."""
        shutil.rmtree(self.tree.state, ignore_errors=True)
        self.looks.clear()
        self.garbage = True
        self.mend()

    @precondition(lambda self: self.whole)
    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        """An object is lost, emptied or edited by hand; a full run mends it."""
        objects = sorted(path for path in self.tree.web.rglob("*") if path.is_file())
        if objects:
            victim = data.draw(st.sampled_from(objects))
            match data.draw(st.sampled_from(["lost", "emptied", "edited"])):
                case "lost":
                    victim.unlink()
                case "emptied":
                    victim.write_bytes(b"")
                case _:
                    victim.write_bytes(victim.read_bytes()[::-1])
            self.looks.clear()
        self.mend()

    # --- readers ---------------------------------------------------------------------------------------------------

    @rule(name=PROJECT)
    def look(self, name: str) -> None:
        """Somebody reads a page, and will want its files before the grace time is over."""
        page = self.tree.web / f"simple/{name}/index.v1_json"
        if page.exists():
            files = [(page.parent / file["url"]).resolve() for file in json.loads(page.read_bytes())["files"]]
            self.looks.append((self.tree.now, name, files))

    @invariant()
    def readers_find_what_they_saw(self) -> None:
        self.looks = [one for one in self.looks if self.tree.now - one[0] < GRACE]
        for _, name, files in self.looks:
            for path in files:
                assert path.exists(), f"{name}: {path.name} was linked less than the grace time ago"

    # --- the promises ----------------------------------------------------------------------------------------------

    @invariant()
    def what_is_visible_is_whole(self) -> None:
        if (self.tree.web / "simple/index.v1_json").exists():
            self.tree.check(staged=self.whole)

    @invariant()
    def every_page_is_what_it_may_be(self) -> None:
        for name in PROJECTS:
            shown = self.shown(name)
            assert self.model.allows(name, shown), f"{name} shows {sorted(shown)}, may be {self.model.may.get(name)}"

    def shown(self, name: str) -> Page:
        page = self.tree.web / f"simple/{name}/index.v1_json"
        if not page.exists():
            return NOTHING
        files = json.loads(page.read_bytes())["files"]
        return frozenset((file["filename"], file["hashes"]["sha256"], _reason(file.get("yanked"))) for file in files)

    @rule()
    def compare_with_a_new_mirror(self) -> None:
        """After all that happened, the pages are those of a mirror that nothing ever happened to.

        But for projects in quarantine: upstream's list does not name them, so a new mirror hears nothing of them, while
        one that had them says what became of them.
        """
        self.mend()
        fresh = Tree(self.upstream, self.folder / "fresh", now=self.tree.now, settings=dict(self.tree.settings))
        fresh.run()
        pages = self.pages(self.tree)
        for name in self.quarantined():
            page = self.tree.web / f"simple/{name}/index.v1_json"
            assert not page.exists() or json.loads(page.read_bytes())["project-status"] == {"status": "quarantined"}
            pages = {key: digest for key, digest in pages.items() if not key.startswith(f"simple/{name}/")}
        assert pages == self.pages(fresh)
        assert set(fresh.tree()) <= set(self.tree.tree())
        found = [one for one in self.tree.verify() if not (self.garbage and one.kind in GARBAGE)]
        assert found == []
        shutil.rmtree(fresh.directory)

    def quarantined(self) -> list[str]:
        return [state.name for state in self.index.projects() if state.status == "quarantined"]

    @staticmethod
    def pages(tree: Tree) -> dict[str, str]:
        return {key: digest for key, digest in tree.tree().items() if not key.startswith(("packages/", "integrity/"))}


def _reason(yanked: bool | str | None) -> str | None:
    return "" if yanked is True else yanked or None if isinstance(yanked, str) else None


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue that does not wait for the disk, and whose clock is that of the runs.

    The grace time begins when a page changes, by the clock; here, time goes by from run to run.
    """
    monkeypatch.setattr(opening, "SETTINGS", opening.SETTINGS.replace("synchronous = FULL", "synchronous = OFF"))
    monkeypatch.setattr(assemble, "SqliteCatalogue", partial(SqliteCatalogue, clock=lambda: Machine.now))


def histories(cases: int, steps: int) -> None:
    """Try so many random histories of so many steps; each step keeps every promise."""
    with UpstreamServer() as server:
        Machine.upstream = server
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=cases, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )


@pytest.mark.usefixtures("quick")
@pytest.mark.timeout(300)
def test_machine() -> None:
    """Random histories of upstream, runs, deaths, operators and readers, a few."""
    histories(6, 25)


@pytest.mark.faults
@pytest.mark.usefixtures("quick")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(4))
def test_machine_at_length(part: int, count: Count) -> None:
    """The same, many."""
    histories(40, 50)
    count("histories", 40, steps=40 * 50)

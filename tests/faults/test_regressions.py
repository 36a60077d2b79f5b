"""What the fault suites found, and what was known before: each with the smallest fault that shows it."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bandersnatch import assemble
from bandersnatch.errors import CatalogueError, Locked
from bandersnatch.sync.engine import Wish
from tests.faults.golden import (
    LATER,
    NOW,
    Mirror,
    Scenario,
    assert_same,
    broken_links,
    configuration,
    journal_of,
    remembered,
    result_of,
    tree_of,
)
from tests.faults.operations import Operations, Strike, fails, nothing_left_open, patched, system_error
from tests.faults.test_kills import killed


def nth(name: str, at: int, number: int) -> Strike:
    """The operation of that *name* and number fails once."""
    return fails(system_error(number), at, sticky=False, only=name)


@pytest.mark.parametrize("whole", [False, True], ids=["fsync", "syncfs"])
@pytest.mark.parametrize("name", ["fsync", "fsync_directory", "syncfs"])
def test_synchronising_fails(scenarios: dict[str, Scenario], tmp: Path, name: str, whole: bool) -> None:
    """After a failed synchronisation the run ends, whatever the reason: nobody knows what else it has cost."""
    if name == "syncfs" and not whole:
        name = "fsync"
    scenario = scenarios["first"]
    mirror = scenario.fresh(tmp / "mirror")
    operations = Operations(nth(name, 5 if name == "fsync_directory" else 3, errno.ESTALE), whole=whole)
    finished = scenario.disturb(mirror, operations)
    assert finished.outcome == "disk"
    assert "Stale file handle" in finished.reason
    scenario.assert_recovers(mirror)


def test_file_cannot_be_read(scenarios: dict[str, Scenario], tmp: Path) -> None:
    """A file that cannot be read just now stays on its page, in a run that looks at all of them."""
    scenario = scenarios["later"]
    mirror = scenario.fresh(tmp / "mirror")
    operations = Operations(nth("look read", 5, errno.ESTALE))
    before = tree_of(mirror.web)
    with patched(operations, looks=True):
        finished = mirror.run(scenario.began, later=False, fs=operations, wish=Wish(full=True))
    assert finished.behind == 3
    assert not journal_of(mirror.state)
    pages = {key for key in before if key.startswith("simple/")}
    assert {key: digest for key, digest in tree_of(mirror.web).items() if key in pages} == {
        key: before[key] for key in pages
    }


def test_folder_cannot_be_removed(scenarios: dict[str, Scenario], tmp: Path) -> None:
    """What is in the trash is known to be there, though the folder that it left cannot be removed."""
    scenario = scenarios["later"]
    mirror = scenario.fresh(tmp / "mirror")
    scenario.disturb(mirror, Operations(fails(system_error(errno.EACCES), 1, sticky=True, only="rmdir")))
    result = result_of(mirror)
    assert {key for key, _ in result.remembered["trash"]} == {key for key, digest in result.trash.items() if digest}


def test_trash_fails_for_a_while(scenarios: dict[str, Scenario], tmp: Path) -> None:
    """What cannot be buried because of something that passes is not deleted instead."""
    scenario = scenarios["later"]
    mirror = scenario.fresh(tmp / "mirror")
    buries = fails(system_error(errno.EMFILE), 1, sticky=True, only="rename")

    class NoTrash(Operations):
        def rename(self, source: str, target: str, *, source_dir: int, target_dir: int) -> None:
            if "/trash/" in Path(f"/proc/self/fd/{target_dir}").readlink().as_posix():
                self.before("rename")
            super(Operations, self).rename(source, target, source_dir=source_dir, target_dir=target_dir)

    assert scenario.disturb(mirror, NoTrash(buries)).outcome == "disk"
    assert not [line for line in journal_of(mirror.state) if line[0] == "deleted"]
    scenario.assert_recovers(mirror)


def test_full_disk_is_found_late(scenarios: dict[str, Scenario], tmp: Path) -> None:
    """
    A line of the journal for which there is no room, as is found when it is synchronised, is cut off and written again
    when the sweep has made room: as new bytes, not the ones of which nobody knows.
    """
    scenario = scenarios["later"]
    mirror = scenario.fresh(tmp / "mirror")

    class FullJournal(Operations):
        def fsync(self, fd: int) -> None:
            path = Path(f"/proc/self/fd/{fd}").readlink()
            if path.name == "removals.jsonl" and '"buried"' in path.read_text():
                super().fsync(fd)
            else:
                super(Operations, self).fsync(fd)

    operations = FullJournal(nth("fsync", 1, errno.EDQUOT))
    assert scenario.disturb(mirror, operations).outcome == "behind"
    assert operations.lied == 0
    assert journal_of(mirror.state)
    scenario.assert_recovers(mirror)


@pytest.mark.parametrize("at", range(60, 640, 40))
def test_cut_off_and_excluded(scenarios: dict[str, Scenario], tmp: Path, at: int) -> None:
    """What a run made visible before it was cut off is taken back if the next one does not want it, pages first."""
    scenario = scenarios["later"]
    mirror = scenario.fresh(tmp / "mirror")
    killed(scenario, mirror, at)
    narrow = replace(mirror, without=NEW)
    for count in range(1, 4):
        narrow.run(scenario.began + count * LATER, later=True, wish=Wish(accept_removals=True))
        assert broken_links(mirror.web) == []
    left = [key for key in tree_of(mirror.web) if "new" in key]
    assert left == []


def test_pages_go_before_files(scenarios: dict[str, Scenario], tmp: Path) -> None:
    """While pages of a run that was cut off are taken back, none of them links a file that went before it."""
    scenario = scenarios["later"]
    cut = next(one for at in range(300, 800, 10) if is_uncommitted(one := cut_off_at(scenario, tmp / str(at), at)))
    for at in range(110, 220, 4):
        mirror = cut.copy_to(tmp / f"again-{at}")
        killed(scenario, replace(mirror, without=NEW), at, again=True)
        assert broken_links(mirror.web) == [], at


NEW = tuple(f"new-{number}" for number in range(1, 6))


def cut_off_at(scenario: Scenario, directory: Path, at: int) -> Mirror:
    """A mirror whose later run was killed."""
    mirror = scenario.fresh(directory)
    killed(scenario, mirror, at)
    return mirror


def is_uncommitted(mirror: Mirror) -> bool:
    """Whether there are new pages, and the catalogue does not know them."""
    there = {path.parent.name for path in mirror.web.glob("simple/new-*/index.v1_json")}
    return bool(there - {row[0] for row in remembered(mirror.state)["project"] if row[4]})


@pytest.mark.parametrize("at", range(8))
def test_rules_narrowed_and_taken_back(scenarios: dict[str, Scenario], tmp: Path, at: int) -> None:
    """Pages that narrower rules made, and whose commit failed, are made anew when the rules are taken back."""
    mirror = scenarios["later"].fresh(tmp / "mirror")
    narrow = replace(mirror, without_files=("*.tar.gz",))
    fails_at = 1 + at
    operations = Operations(fails(system_error(errno.EIO), fails_at, sticky=True, only="catalogue commit"))
    with nothing_left_open(), patched(operations), suppress(CatalogueError):
        narrow.run(NOW + LATER, later=False, fs=operations)
    mirror.run(NOW + LATER, later=False)
    assert_same(result_of(mirror), scenarios["first"].expected)


def test_state_deleted_meanwhile(tmp: Path) -> None:
    """Who deletes ``state/`` while a run is under way does not let a second one begin."""
    config = configuration(str(tmp))
    with assemble.locked(config):
        shutil.rmtree(tmp / "state")
        with pytest.raises(Locked), assemble.locked(config):
            pass
    with assemble.locked(config):
        pass


def synchronised(mirror: Mirror, now: float, wish: Wish | None = None) -> bool:
    """Whether a run that has nothing to do synchronises the file system at its beginning."""
    operations = Operations(lambda number, name: None, whole=True)
    with patched(operations):
        mirror.run(now, later=False, fs=operations, wish=wish)
    return "syncfs" in operations.names[: operations.names.index("open")]


def deleted(mirror: Mirror) -> None:
    shutil.rmtree(mirror.state)


def cut_off(mirror: Mirror) -> None:
    operations = Operations(fails(system_error(errno.EIO), 1, sticky=True, only="rename"))
    mirror.run(NOW + LATER, later=True, fs=operations)


@pytest.mark.parametrize(
    ("happened", "wish", "expected"),
    [
        (lambda mirror: None, None, False),
        (deleted, None, True),
        (cut_off, None, True),
        (lambda mirror: None, Wish(full=True), True),
    ],
)
def test_names_are_synchronised(
    scenarios: dict[str, Scenario],
    tmp: Path,
    happened: Callable[[Mirror], None],
    wish: Wish | None,
    expected: bool,
) -> None:
    """Objects that are taken over from who knows where are made durable before the catalogue vouches for them."""
    mirror = scenarios["later"].fresh(tmp / "mirror")
    happened(mirror)
    with nothing_left_open():
        assert synchronised(mirror, NOW + 2 * LATER, wish) == expected

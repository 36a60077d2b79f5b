"""What operators, other programs and other machines do to a mirror: whatever it is, no run makes it worse, and one run
or the other puts it right or says what is in the way.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bandersnatch import assemble
from bandersnatch.catalogue import opening
from bandersnatch.errors import BandersnatchError, CatalogueError, Locked, StorageError
from bandersnatch.sync import events
from bandersnatch.sync.engine import Wish
from tests.faults.counting import Count
from tests.faults.golden import LATER, NOW, Mirror, Scenario, assert_same, broken_links, configuration, result_of
from tests.faults.operations import Operations, nothing_left_open, patched, system_error

YEAR = 365 * 86400.0
WHEEL = "same_2-1.0-py3-none-any.whl"
PAGE = "simple/same-2/index.html"


@dataclass(frozen=True)
class Cell:
    """What somebody does between two runs."""

    act: Callable[[Mirror], object]
    full: bool = False
    """Whether the run after it has to be told to look at everything."""
    extra: tuple[str, ...] = ()
    """What stays in web/ of what was done, since nobody knows whose it is."""
    remembers: bool = True
    """Whether the catalogue is as if nothing had happened."""


def file(mirror: Mirror, name: str = WHEEL) -> Path:
    """Where a file is."""
    [found] = mirror.web.rglob(name)
    return found


def catalogue(mirror: Mirror) -> Path:
    return mirror.state / "catalogue.sqlite"


def flip(path: Path) -> None:
    """Another byte in the middle; the object is replaced, since other copies of the mirror share it."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    rewrite(path, bytes(data))


def rewrite(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def older(mirror: Mirror) -> None:
    """A catalogue of an older version."""
    with closing(sqlite3.connect(catalogue(mirror), isolation_level=None)) as connection:
        for table in LATER_TABLES:
            connection.execute(f"DROP TABLE {table}")
        connection.execute("DROP TRIGGER strays_lost")
        connection.execute("PRAGMA user_version = 3")


LATER_TABLES = ("arriving", "slice", "slice_names", "strayed")
"""What format 3 of the catalogue did not have."""


def foreign_tree(mirror: Mirror) -> None:
    """What another program has put there."""
    for key in FOREIGN:
        path = mirror.web / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("somebody's")


FOREIGN = ("robots.txt", "simple/theirs/index.html", "packages/source/t/theirs/theirs-1.0.tar.gz")

BETWEEN: dict[str, Cell] = {
    "state is deleted": Cell(lambda mirror: shutil.rmtree(mirror.state)),
    "the catalogue is deleted": Cell(lambda mirror: catalogue(mirror).unlink()),
    "the catalogue is empty": Cell(lambda mirror: rewrite(catalogue(mirror), b"")),
    "the catalogue is all zeros": Cell(lambda mirror: rewrite(catalogue(mirror), bytes(100_000))),
    "the catalogue is garbage": Cell(lambda mirror: rewrite(catalogue(mirror), os.urandom(50_000))),
    "the catalogue's first page is zeros": Cell(
        lambda mirror: rewrite(catalogue(mirror), bytes(4096) + catalogue(mirror).read_bytes()[4096:])
    ),
    "the catalogue is of an older version": Cell(older),
    "a page is deleted": Cell(lambda mirror: (mirror.web / PAGE).unlink(), full=True),
    "a page is edited": Cell(lambda mirror: rewrite(mirror.web / PAGE, b"<html>mine</html>"), full=True),
    "a project's folder is deleted": Cell(lambda mirror: shutil.rmtree((mirror.web / PAGE).parent), full=True),
    "a file is deleted": Cell(lambda mirror: file(mirror).unlink(), full=True),
    "a file is edited": Cell(lambda mirror: flip(file(mirror)), full=True),
    "a file is cut": Cell(lambda mirror: rewrite(file(mirror), file(mirror).read_bytes()[:-1]), full=True),
    "core metadata is edited": Cell(lambda mirror: flip(file(mirror, f"{WHEEL}.metadata")), full=True),
    "the list is deleted": Cell(lambda mirror: (mirror.web / "simple/index.v1_json").unlink()),
    "all of web is deleted": Cell(lambda mirror: shutil.rmtree(mirror.web), full=True),
    "another program's tree is there": Cell(foreign_tree, full=True, extra=FOREIGN),
}
"""Each done to a mirror that was whole; then one run makes it what two undisturbed runs would have made."""


@pytest.mark.parametrize("what", BETWEEN)
def test_between_two_runs(scenarios: dict[str, Scenario], what: str, tmp: Path, count: Count) -> None:
    """What somebody has done between two runs is put right by the second, and nothing of theirs is touched."""
    cell = BETWEEN[what]
    mirror = scenarios["later"].fresh(tmp / "mirror")
    cell.act(mirror)
    finished = mirror.run(NOW + LATER, later=False, wish=Wish(full=cell.full))
    assert (finished.outcome, finished.behind) == ("behind", 2)
    assert broken_links(mirror.web) == []
    for key in cell.extra:
        assert (mirror.web / key).read_text() == "somebody's"
        (mirror.web / key).unlink()
        for folder in (mirror.web / key).parents:
            if folder == mirror.web or any(folder.iterdir()) or folder.parent == mirror.web:
                break
            folder.rmdir()
    got, expected = result_of(mirror), scenarios["first"].expected
    assert_same(replace(got, remembered=expected.remembered), expected)
    assert got.remembered["project"] == expected.remembered["project"]
    count(f"operators: {what}")


def test_catalogue_is_cut(scenarios: dict[str, Scenario], tmp: Path, count: Count) -> None:
    """A catalogue that lacks its end is either noticed at once, or the run that comes to that place says so."""
    mirror = scenarios["later"].fresh(tmp / "mirror")
    data = catalogue(mirror).read_bytes()
    rewrite(catalogue(mirror), data[: len(data) // 2])
    with nothing_left_open():
        try:
            said = mirror.run(NOW + LATER, later=False).reason
        except CatalogueError as error:
            said = str(error)
    assert broken_links(mirror.web) == []
    if "damaged" in said:
        catalogue(mirror).unlink()
    assert mirror.run(NOW + LATER, later=False).behind == 2
    assert result_of(mirror).web == scenarios["first"].expected.web
    count("operators: the catalogue is cut")


def test_catalogue_is_of_a_newer_version(scenarios: dict[str, Scenario], tmp: Path, count: Count) -> None:
    """It is refused, and left as it is."""
    mirror = scenarios["later"].fresh(tmp / "mirror")
    with closing(sqlite3.connect(catalogue(mirror), isolation_level=None)) as connection:
        connection.execute(f"PRAGMA user_version = {opening.VERSION + 1}")
    before = catalogue(mirror).read_bytes()
    with nothing_left_open(), pytest.raises(CatalogueError, match="newer version"):
        mirror.run(NOW + LATER, later=False)
    assert catalogue(mirror).read_bytes() == before
    count("operators: the catalogue is of a newer version")


# --- while a run is under way ----------------------------------------------------------------------------------------

MOMENTS = {"at its beginning": 60, "in the middle": 420, "near its end": 840}


def during(scenario: Scenario, directory: Path, at: int, act: Callable[[Mirror], None]) -> tuple[Mirror, object]:
    """A run in which somebody does something before its operation number *at*; and how it ended."""
    mirror = scenario.fresh(directory)

    def strike(number: int, name: str) -> None:
        if number == at:
            act(mirror)

    operations = Operations(strike)
    end: object
    with nothing_left_open(), patched(operations):
        try:
            end = scenario.disturb(mirror, operations)
        except BandersnatchError as error:
            end = error
    assert len(operations.names) >= at
    return mirror, end


@pytest.mark.parametrize("moment", MOMENTS)
def test_two_runs(scenarios: dict[str, Scenario], moment: str, tmp: Path, count: Count) -> None:
    """A second run says at once that there is a first, which is not disturbed."""
    refused = []

    def begin(mirror: Mirror) -> None:
        with pytest.raises(Locked) as error, assemble.locked(configuration(str(mirror.directory))):
            pass
        refused.append(error.value)

    mirror, end = during(scenarios["later"], tmp / "mirror", MOMENTS[moment], begin)
    assert len(refused) == 1
    assert isinstance(end, events.Finished)
    assert end.behind == 2
    assert_same(result_of(mirror), scenarios["later"].first)
    count(f"operators: two runs, {moment}")


@pytest.mark.parametrize("moment", MOMENTS)
def test_state_deleted_under_a_run(scenarios: dict[str, Scenario], moment: str, tmp: Path, count: Count) -> None:
    """The run does not say that all is well, breaks no link, and the next one takes over what is there."""
    mirror, end = during(scenarios["first"], tmp / "mirror", MOMENTS[moment], lambda one: shutil.rmtree(one.state))
    assert not (isinstance(end, events.Finished) and end.behind == 2 and end.outcome == "behind"), end
    assert broken_links(mirror.web) == []
    assert mirror.run(NOW + LATER, later=False).behind == 2
    assert_same(replace(result_of(mirror), remembered={}), replace(scenarios["first"].expected, remembered={}))
    count(f"operators: state is deleted under a run, {moment}")


# --- links, other file systems, clocks -------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["simple/same-2", PAGE, "packages", "integrity/changed-1", "simple"])
def test_links_are_not_followed(scenarios: dict[str, Scenario], key: str, tmp: Path, count: Count) -> None:
    """Nothing is written, removed or read through a link that somebody has planted; the rest is mirrored."""
    elsewhere = tmp / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("mine")
    mirror = scenarios["later"].fresh(tmp / "mirror")
    place = mirror.web / key
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    place.symlink_to(elsewhere)
    with nothing_left_open():
        try:
            finished = mirror.run(NOW + LATER, later=True, wish=Wish(full=True))
            assert finished.outcome == "disk" or finished.behind > 2 or not place.is_symlink()
        except StorageError:
            pass  # there is no list of projects without a folder for it
    assert os.listdir(elsewhere) == ["precious"]
    if place.is_symlink():
        place.unlink()
    for run in (1, 2):
        mirror.run(NOW + (1 + run) * LATER, later=True, wish=Wish(full=True))
    assert broken_links(mirror.web) == []
    count(f"operators: a link at {key}")


def test_another_file_system(tmp: Path, tmp_path: Path, count: Count) -> None:
    """Where web/ is not on the file system of state/, that is said before anything is fetched."""
    if os.stat(tmp).st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("there is but one file system here")
    (tmp / "web").symlink_to(tmp_path)
    with nothing_left_open(), pytest.raises(StorageError, match="on one file system") as error:
        Mirror(tmp).run(NOW, later=False)
    assert error.value.errno == errno.EXDEV
    assert list(tmp_path.iterdir()) == []
    count("operators: web/ on another file system")


LONGEST = 38
"""Bytes of a name: the core metadata of some projects have a longer one, of others not."""


class Odd(Operations):
    """A file system that folds case, and holds no long names."""

    def folds_case(self, folder: int, name: str) -> bool:
        return True

    def longest_name(self, folder: int) -> int:
        return LONGEST

    def rename(self, source: str, target: str, *, source_dir: int, target_dir: int) -> None:
        if len(target) > LONGEST:
            raise system_error(errno.ENAMETOOLONG)("rename")
        super().rename(source, target, source_dir=source_dir, target_dir=target_dir)


def test_odd_file_system(scenarios: dict[str, Scenario], tmp: Path, count: Count) -> None:
    """Both are said before the run; what has a longer name is behind, with the reason, and the rest is mirrored."""
    mirror = scenarios["first"].fresh(tmp / "mirror")
    told: list[events.Event] = []
    finished = mirror.run(NOW, later=False, fs=Odd(lambda number, name: None), tell=told.append)
    warned = [event.message for event in told if isinstance(event, events.Warned)]
    assert ["upper and lower case" in warned[0], f"at most {LONGEST} bytes" in warned[1]] == [True, True]
    assert finished.behind > 2
    assert finished.refreshed > 2
    assert broken_links(mirror.web) == []
    scenarios["first"].assert_recovers(mirror)
    count("operators: names are folded and limited", 2)


@pytest.mark.parametrize("years", [-1, 1])
def test_clock(scenarios: dict[str, Scenario], years: int, tmp: Path, count: Count) -> None:
    """A clock that was a year wrong for one run costs nothing but the date of that run."""
    scenario = scenarios["later"]
    mirror = scenario.fresh(tmp / "mirror")
    assert mirror.run(scenario.began + years * YEAR, later=False).behind == 2
    assert scenario.disturb(mirror).behind == 2
    assert_same(result_of(mirror), scenario.first)
    count(f"operators: the clock is {abs(years)} year {'ahead' if years > 0 else 'behind'}")

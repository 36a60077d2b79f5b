"""Real file systems that fail for real: full, out of inodes, read-only in the middle, shut down, somebody else's."""

from __future__ import annotations

import errno
import faulthandler
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bandersnatch.errors import BandersnatchError
from bandersnatch.sync import events
from tests.faults.counting import Count
from tests.faults.golden import Mirror, Scenario, broken_links, tree_of
from tests.faults.operations import Operations, nothing_left_open, patched
from tests.nobody import as_nobody, folder_of_nobody, give_away

pytestmark = pytest.mark.faults

MIB = 1 << 20


def system(*command: str, check: bool = True) -> bool:
    """Run a program; whether it succeeded."""
    return subprocess.run(command, check=check, capture_output=True).returncode == 0


def has(*programs: str) -> bool:
    return all(shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") for program in programs)


@contextmanager
def mounted(place: Path, *what: str) -> Iterator[Path]:
    """A file system at *place*, from ``mount`` with the arguments *what*. Skips where nobody may mount anything."""
    place.mkdir(exist_ok=True)
    if os.geteuid() != 0 or not system("mount", *what, str(place), check=False):
        pytest.skip(f"this user, or this kernel, may not mount: {' '.join(what)}")
    try:
        yield place
    finally:
        system("umount", "--lazy", str(place))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An empty file that can be made a file system."""
    path = tmp_path / "image"
    with path.open("wb") as file:
        file.truncate(320 * MIB)
    return path


def run(scenario: Scenario, mirror: Mirror, fs: Operations | None = None) -> events.Finished | BandersnatchError:
    """A run on a disk that may refuse; how it ended."""
    with nothing_left_open():
        try:
            if fs is None:
                return scenario.disturb(mirror)
            with patched(fs):
                return scenario.disturb(mirror, fs)
        except BandersnatchError as error:
            return error


LAST = 3
"""Operations at the end of a run that only find nothing to be noted: a disk that is gone refuses none of them."""


def ends_with_the_disk(scenario: Scenario, mirror: Mirror, fs: Operations, at: int) -> bool:
    """
    Whether a run whose disk fails after its operation number *at* says so, or is ended by the system, or ended before.

    SQLite shares memory with those who look at the catalogue meanwhile, by way of a file: where the disk cannot give a
    page of that, the process gets SIGBUS, which to the mirror is a kill.
    """
    source, target = os.pipe()
    child = os.fork()
    if child == 0:
        faulthandler.disable()
        end = run(scenario, mirror, fs)
        disk = not isinstance(end, events.Finished) or end.outcome == "disk" or len(fs.names) <= at + LAST
        os.write(target, b"disk" if disk else b"well")
        os._exit(0)
    os.close(target)
    with os.fdopen(source, "rb") as stream:
        said = stream.read()
    _, status = os.waitpid(child, 0)
    return said == b"disk" or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGBUS)


def copied(scenario: Scenario, directory: Path) -> Mirror:
    """The state before, on another file system."""
    if scenario.start is not None:
        shutil.copytree(scenario.start.directory, directory)
    directory.mkdir(exist_ok=True)
    return Mirror(directory)


# --- full ------------------------------------------------------------------------------------------------------------

FULL = {
    "bytes": [f"size={size}k" for size in range(1200, 6400, 250)],
    "inodes": [f"nr_inodes={n}" for n in range(20, 330, 16)],
}


@pytest.mark.parametrize("what", FULL)
def test_full(scenarios: dict[str, Scenario], what: str, tmp_path: Path, count: Count) -> None:
    """A first run on a file system that is too small ends with that, or is whole; with room, the next one goes on."""
    scenario, full = scenarios["first"], 0
    for option in FULL[what]:
        with mounted(tmp_path / "mount", "-t", "tmpfs", "-o", option, "tmpfs") as place:
            mirror = copied(scenario, place / "mirror")
            end = run(scenario, mirror)
            ended = (
                end.outcome == "disk"
                if isinstance(end, events.Finished)
                else "No space" in str(end) or "full" in str(end)
            )
            full += ended
            assert ended or isinstance(end, events.Finished), end
            assert broken_links(mirror.web) == []
            system("mount", "-o", "remount,size=64m,nr_inodes=4000", str(place))
            scenario.assert_recovers(mirror)
    assert 2 < full < len(FULL[what])
    count(f"real disks: out of {what}", len(FULL[what]))


# --- read-only in the middle, shut down ------------------------------------------------------------------------------


def moments(scenario: Scenario, directory: Path, several: int) -> list[int]:
    """Numbers of operations, spread over a run but for its end, which may come earlier another time."""
    operations = Operations(lambda number, name: None, whole=True)
    with patched(operations):
        scenario.disturb(scenario.fresh(directory), operations)
    total = len(operations.names) - 40
    return [total * part // several for part in range(several)]


def test_read_only_in_the_middle(scenarios: dict[str, Scenario], image: Path, tmp: Path, count: Count) -> None:
    """An ext4 that finds itself damaged becomes read-only: the run ends with that, and the next one goes on."""
    if not has("mkfs.ext4", "losetup"):
        pytest.skip("mkfs.ext4 and losetup are not installed")
    scenario = scenarios["later"]
    for number, at in enumerate(moments(scenario, tmp / "counted", 12)):
        system("mkfs.ext4", "-qF", str(image))
        with mounted(tmp / "mount", "-o", "loop,errors=remount-ro", str(image)) as place:
            mirror = copied(scenario, place / "mirror")
            system("sync", "-f", str(place))
            trigger = _of_ext4(place) / "trigger_fs_error"

            def strike(now: int, name: str, at: int = at, trigger: Path = trigger) -> None:
                if now == at + 1:
                    trigger.write_text("a test says so")

            assert ends_with_the_disk(scenario, mirror, Operations(strike), at), number
            assert broken_links(mirror.web) == [], number
        system("e2fsck", "-fp", str(image), check=False)
        with mounted(tmp / "mount", "-o", "loop", str(image)) as place:
            scenario.assert_recovers(Mirror(place / "mirror"))
    count("real disks: ext4 becomes read-only", 12)


def _of_ext4(place: Path) -> Path:
    """What the kernel says of the ext4 that is mounted at *place*."""
    device = subprocess.run(
        ["findmnt", "-no", "SOURCE", "-T", str(place)], check=True, capture_output=True, text=True
    ).stdout.strip()
    return Path("/sys/fs/ext4", Path(device).name)


@pytest.mark.parametrize("flushes", [False, True], ids=["log lost", "log kept"])
@pytest.mark.parametrize("name", ["first", "later"])
def test_power_cut(
    scenarios: dict[str, Scenario], name: str, flushes: bool, image: Path, tmp: Path, count: Count
) -> None:
    """
    An XFS that is shut down in the middle of a run, as a power cut leaves it: the run ends with the disk, what comes
    back breaks no link, and the next run makes of it what an undisturbed one would have made.
    """
    if not has("mkfs.xfs", "xfs_io", "losetup"):
        pytest.skip("xfsprogs is not installed")
    scenario, several = scenarios[name], 24
    for number, at in enumerate(moments(scenario, tmp / "counted", several)):
        system("mkfs.xfs", "-qf", str(image))
        with mounted(tmp / "mount", "-o", "loop", str(image)) as place:
            mirror = copied(scenario, place / "mirror")
            system("sync", "-f", str(place))
            cut = ["xfs_io", "-x", "-c", f"shutdown{' -f' if flushes else ''}", str(place)]

            def strike(now: int, name: str, at: int = at, cut: list[str] = cut) -> None:
                if now == at + 1:
                    system(*cut)

            assert ends_with_the_disk(scenario, mirror, RealOperations(strike), at), number
        with mounted(tmp / "mount", "-o", "loop", str(image)) as place:
            mirror = Mirror(place / "mirror")
            mirror.directory.mkdir(exist_ok=True)
            assert broken_links(mirror.web) == [], number
            scenario.assert_recovers(mirror)
    count(
        f"real disks: power cut on XFS, {name} run, {'log kept' if flushes else 'log lost'}",
        several,
        power_cuts=several,
    )


class RealOperations(Operations):
    """Synchronises as the file system allows it, which ``Operations`` is told."""

    def can_syncfs(self, fd: int) -> bool:
        return super(Operations, self).can_syncfs(fd)


# --- somebody else's -------------------------------------------------------------------------------------------------

FORBIDDEN = {
    "a page": ("simple/changed-3/index.html", 0o000),
    "a project's folder": ("simple/changed-3", 0o500),
    "all pages": ("simple", 0o500),
    "all files": ("packages", 0o500),
    "all of web": (".", 0o500),
    "the older JSON": ("pypi", 0o000),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_permission_denied(scenarios: dict[str, Scenario], what: str, count: Count) -> None:
    """What this user may not write is named, the rest is mirrored, and with the permission the next run goes on."""
    key, mode = FORBIDDEN[what]
    scenario = scenarios["later"]
    with folder_of_nobody() as folder:
        mirror = copied(scenario, folder / "mirror")
        give_away(folder)
        place = mirror.web / key
        kept = place.stat().st_mode
        place.chmod(mode)
        end = as_nobody(lambda: run(scenario, mirror))
        place.chmod(kept)
        if isinstance(end, events.Finished):
            assert end.outcome in ("behind", "disk"), end
            assert end.outcome == "disk" or end.behind > 2 or what == "a page", end
        else:
            assert getattr(end, "errno", None) in (errno.EACCES, errno.EPERM), end
        assert broken_links(mirror.web) == []
        assert as_nobody(lambda: scenario.rerun(mirror)).outcome == "behind"
        assert broken_links(mirror.web) == []
        assert objects(mirror) == {key: digest for key, digest in scenario.expected.web.items() if digest}
    count(f"real disks: {what} may not be written")


def objects(mirror: Mirror) -> dict[str, str]:
    """What is published; a folder that could not be removed may stay, empty."""
    return {key: digest for key, digest in tree_of(mirror.web).items() if digest}


def test_state_is_not_ours(scenarios: dict[str, Scenario], count: Count) -> None:
    """Where nothing may be written at all, that is said before anything is fetched."""
    with folder_of_nobody() as folder:
        folder.chmod(0o500)
        end = as_nobody(lambda: run(scenarios["first"], Mirror(folder / "mirror")))
        assert getattr(end, "errno", None) == errno.EACCES, end
        assert "yours to write" in str(end)
        folder.chmod(0o700)
    count("real disks: the directory may not be written")

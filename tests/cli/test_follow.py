"""Following a run: several at once, late, slow, dead, and without costing the run anything."""

from __future__ import annotations

import json
import os
import selectors
import socket
import stat
import time
from pathlib import Path
from threading import Event

import pytest

from bandersnatch.cli import broadcast, wire
from bandersnatch.cli.broadcast import SOCKET, Broadcast, Totals, connect
from bandersnatch.cli.main import run as cli
from bandersnatch.sync import events
from bandersnatch.testing import Drip
from tests.cli.conftest import Program
from tests.cli.test_levels import finished

MANY = 10_000
"""Events that are more than may wait for one follower here, and more than the system's buffers hold."""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


def told(connection: socket.socket) -> list[events.Event | None]:
    """What comes until the other side closes."""
    with connection, connection.makefile("rb") as lines:
        return [wire.decode(line) for line in lines]


def one(connection: socket.socket) -> events.Event | None:
    """The first event, read so that nothing after it is lost."""
    line = b""
    while not line.endswith(b"\n"):
        line += connection.recv(1)
    return wire.decode(line)


def test_every_event_survives_the_wire() -> None:
    """What one side tells is what the other one hears; what it does not know is passed over."""
    for event in (finished("clean"), events.Planned(1, None, None, 7), events.FellBehind("ä", "w\nhy", True, 1.5)):
        assert wire.decode(wire.encode(event, 0.0)) == event
    for line in ("", "{", "[]", '{"event": "of-a-later-version"}', '{"event": "planned", "projects": 1}', "null"):
        assert wire.decode(line) is None


def test_followers(state: Path) -> None:
    """Several follow at once; who comes late is told where the run stands, and then hears everything once."""
    with Broadcast(state, "/srv/pypi", "upstream") as run:
        run.tell(events.Planned(3, None, None, None))
        early = connect(state)
        first = one(early)
        for name in ("a", "b"):
            run.tell(events.Expected(name, 1, 10))
            run.tell(events.Progressed(f"{name}.whl", 10, 10))
            run.tell(events.Refreshed(name, None, 1))
        late = connect(state)
        so_far = one(late)
        run.tell(events.FellBehind("c", "why", True, 0.0))
        run.tell(finished("behind"))
    assert isinstance(first, events.SoFar)
    assert (first.projects, first.done) == (3, 0)
    assert isinstance(so_far, events.SoFar)
    assert (so_far.projects, so_far.done, so_far.expected, so_far.bytes, so_far.behind) == (3, 2, 20, 20, 0)
    heard = [type(event).__name__ for event in told(early)]
    assert heard == [*["Expected", "Progressed", "Refreshed"] * 2, "FellBehind", "Finished"]
    assert [type(event).__name__ for event in told(late)] == ["FellBehind", "Finished"]


def test_dead_and_slow_followers(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A follower that is gone, and one that never reads, cost the run neither time nor memory without bound."""
    monkeypatch.setattr(broadcast, "BACKLOG", 100_000)
    with Broadcast(state, "/srv/pypi", "upstream") as run:
        gone, stuck, good = connect(state), connect(state), connect(state)
        for connection in (gone, stuck, good):
            assert isinstance(one(connection), events.SoFar)
        gone.close()
        heard = 0
        good.setblocking(False)
        longest = 0.0
        for number in range(MANY):
            began = time.perf_counter()
            run.tell(events.Confirmed(f"project-{number}"))
            longest = max(longest, time.perf_counter() - began)
            if number % 100 == 0:
                heard += _drained(good)
                _let_the_thread_work(run)
        assert len(run._followers) == 1, "both were let go"
        assert longest < 5
        good.setblocking(True)
    with good:
        while data := good.recv(1 << 20):
            heard += data.count(b"\n")
    assert heard == MANY, "the one that reads hears everything"
    stuck.close()


def _drained(connection: socket.socket) -> int:
    lines = 0
    while True:
        try:
            lines += connection.recv(1 << 20).count(b"\n")
        except BlockingIOError:
            return lines


def _let_the_thread_work(run: Broadcast) -> None:
    while run._queue:
        os.sched_yield()


class _Gated(Broadcast):
    """The thread rests after a look around while the gate is closed."""

    def __init__(self, state: Path) -> None:
        super().__init__(state, "/srv/pypi", "upstream")
        self.gate, self.rests = Event(), Event()
        self.gate.set()

    def _pass_on(self, selector: selectors.BaseSelector) -> None:
        super()._pass_on(selector)
        if not self.gate.is_set():
            self.rests.set()
            self.gate.wait(30)


def test_one_leaves_while_another_comes(state: Path) -> None:
    """Whoever leaves in the moment in which somebody else comes does no harm to those who stay."""
    with _Gated(state) as run:
        staying, leaving = connect(state), connect(state)
        assert isinstance(one(staying), events.SoFar)
        assert isinstance(one(leaving), events.SoFar)
        run.gate.clear()
        run._wake()
        assert run.rests.wait(30)
        coming = connect(state)
        leaving.close()
        run.gate.set()
        assert isinstance(one(coming), events.SoFar)
        run.tell(events.Confirmed("a"))
        assert isinstance(one(staying), events.Confirmed)
        assert isinstance(one(coming), events.Confirmed)
    staying.close()
    coming.close()


def test_bytes_are_dropped_first(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the thread cannot keep up, what waits for it is bounded by leaving out the bytes of single files."""
    monkeypatch.setattr(broadcast, "WAITING", 5)
    run, connection = Broadcast(state, "/srv/pypi", "upstream"), socket.socket()
    run._followers.append(broadcast._Follower(connection))
    for _ in range(100):
        run.tell(events.Progressed("a.whl", 1, None))
    run.tell(events.Confirmed("a"))
    assert len(run._queue) == 6
    assert run._totals.so_far(0.0).bytes == 100
    connection.close()
    os.close(run._bell)
    os.close(run._ring)


class _Sudden(Broadcast):
    """The run tells its last word and ends just after the thread has looked."""

    said = False

    def _pass_on(self, selector: selectors.BaseSelector) -> None:
        super()._pass_on(selector)
        if self._followers and not self.said:
            self.said = True
            self.tell(finished("clean"))
            self._ended = True


def test_last_word(state: Path) -> None:
    """However close the end of the run is behind its last event, that one is heard."""
    with _Sudden(state, "/srv/pypi", "upstream"):
        follower = connect(state)
        assert isinstance(one(follower), events.SoFar)
    assert [type(event) for event in told(follower)] == [events.Finished]


def test_nobody_follows(state: Path) -> None:
    """As long as nobody follows, nothing waits, and the thread is not woken."""
    with Broadcast(state, "/srv/pypi", "upstream") as run:
        for _ in range(1000):
            run.tell(events.Confirmed("a"))
        assert not run._queue
        assert not run._rung


@pytest.mark.parametrize(("folder", "wanted"), [(0o700, 0o600), (0o750, 0o660), (0o755, 0o666)])
def test_permissions(state: Path, folder: int, wanted: int) -> None:
    """Who may read state/ may follow, and nobody else; the socket is gone after the run."""
    state.chmod(folder)
    with Broadcast(state, "/srv/pypi", "upstream"):
        mode = (state / SOCKET).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == wanted
    assert not (state / SOCKET).exists()


def test_deep_folder(tmp_path: Path) -> None:
    """A mirror that lives deeper than a socket's path may be long can be followed all the same."""
    state = tmp_path / ("d" * 120) / "state"
    state.mkdir(parents=True)
    with Broadcast(state, "/srv/pypi", "upstream") as run, connect(state) as connection:
        run.tell(events.Confirmed("a"))
        assert isinstance(one(connection), events.SoFar)


def test_no_socket(state: Path) -> None:
    """Where no socket can be made the run goes on without followers."""
    (state / SOCKET).mkdir()
    with Broadcast(state, "/srv/pypi", "upstream") as run:
        run.tell(events.Confirmed("a"))
    assert (state / SOCKET).is_dir()


def test_totals_count_what_reports_show() -> None:
    """Totals of a late joiner are those that an early one has counted."""
    totals = Totals("/srv/pypi", "upstream", 100.0)
    for event in (
        events.Planned(4, None, None, None),
        events.Arrived("a", "a.whl", 1, 1),
        events.Confirmed("b"),
        events.Removed("c", "why"),
        events.FellBehind("d", "why", False, 0.0),
    ):
        totals.count(event)
    so_far = totals.so_far(103.5)
    assert (so_far.seconds, so_far.done, so_far.files, so_far.behind) == (3.5, 3, 1, 1)


# --- the command ---------------------------------------------------------------------------------------------------


def test_command(program: Program) -> None:
    """follow shows a run to its end, for people and as JSON; without a run it says that there is none."""
    program.configure("[select]\neverything = true\n")
    nothing = program.run("follow")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "no run is under way" in nothing.stderr
    program.upstream.index.upload("delta", "1.0", padding=200_000)
    program.upstream.fault("/packages/*delta*", Drip(1000, 150), times=1)
    run = program.start("mirror")
    deadline = time.monotonic() + 20
    while program.upstream.count("/packages/*delta*") == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    people, programs = program.start("follow"), program.start("follow", "--json")
    assert (run.wait(timeout=30), *run.communicate()) == (0, "", "")
    shown, told = (process.communicate(timeout=30)[0].splitlines() for process in (people, programs))
    assert (people.returncode, programs.returncode) == (0, 0)
    assert "Following the run into" in shown[0]
    assert "4 projects refreshed" in shown[-1]
    names = [json.loads(line)["event"] for line in told]
    assert (names[0], names[-1]) == ("so-far", "finished")
    assert "progressed" not in names


def test_cut_off(program: Program) -> None:
    """A run that is killed leaves its follower with a word and an exit code, and the next run can be followed again."""
    program.configure("[select]\neverything = true\n")
    program.upstream.fault("/packages/*alpha-1*", Drip(1, None, 0.05), times=1)
    run = program.start("mirror")
    deadline = time.monotonic() + 20
    while program.upstream.count("/packages/*alpha-1*") == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    follower = program.start("follow", "--json")
    assert follower.stdout is not None
    assert json.loads(follower.stdout.readline())["event"] == "so-far"
    run.kill()
    run.communicate()
    _, err = follower.communicate(timeout=20)
    assert follower.returncode == 1
    assert "cut off" in err
    assert (program.directory / "state" / SOCKET).is_socket()
    assert "no run is under way" in program.run("follow").stderr
    assert program.run("mirror").returncode == 0
    assert not (program.directory / "state" / SOCKET).exists()


def test_turned_away(state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Who is turned away, or let go, is not told that the run was cut off."""
    monkeypatch.setattr(broadcast, "MOST", 0)
    with Broadcast(state, "/srv/pypi", "upstream"):
        assert cli(["follow", "--directory", str(state.parent)]) == 1
    assert "the run, which goes on" in capsys.readouterr().err

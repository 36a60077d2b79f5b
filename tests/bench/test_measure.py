"""What a command costs: it and its children, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import measure
from bench.measure import Command, Contestant, Failed
from bench.results import UNITS

BURN = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
FILL = "kept = bytearray(64_000_000)"
WRITE = "open('file', 'wb').write(bytes(3_000_000))"
CHILDREN = "import subprocess, sys; [subprocess.run([sys.executable, '-c', code], check=True) for code in sys.argv[1:]]"


def command(home: Path, *arguments: str) -> Command:
    return Command((sys.executable, "-c", *arguments), {}, home)


def test_children_are_added_up(tmp_path: Path) -> None:
    """Processor time of all children counts, the memory of the largest, and the bytes of each."""
    sample = measure.run(command(tmp_path, CHILDREN, BURN, BURN, FILL, WRITE))
    assert sample["cpu"] >= 0.4
    assert 64 < sample["peak"] < 128
    assert sample["wall"] >= 0.4
    if sample.get("written"):  # nothing is, on tmpfs
        assert sample["written"] >= 3


def test_our_own_memory_does_not_count(tmp_path: Path) -> None:
    """A small program is small, however large the process is that measures it."""
    ballast = bytearray(b"x") * 150_000_000
    assert measure.run(command(tmp_path, "pass"))["peak"] < 40
    assert len(ballast) == 150_000_000


@pytest.mark.parametrize(
    ("code", "limit", "said"),
    [
        ("import sys; print('what went wrong'); sys.exit(3)", 60.0, "ended with 3: what went wrong"),
        ("while True: pass", 0.1, "was ended after 0.1 s"),
    ],
)
def test_failures(tmp_path: Path, code: str, limit: float, said: str) -> None:
    """A command that fails, or that does not end, has no figures, and its output is shown."""
    with pytest.raises(Failed, match=said):
        measure.run(command(tmp_path, code), limit)


def test_an_end_from_outside(tmp_path: Path) -> None:
    """Who ends the measuring ends what is measured."""
    launcher = [
        sys.executable,
        "-I",
        "-S",
        str(Path(measure.__file__).with_name("launch.py")),
        str(tmp_path / "r"),
        "60",
    ]
    code = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
    with subprocess.Popen([*launcher, sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        number = int(process.stdout.readline())
        process.terminate()
        assert process.wait(20) == 143
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_nothing_is_inherited(tmp_path: Path) -> None:
    """A command has the environment that it was given."""
    given = Command((sys.executable, "-c", "import os; print(sorted(os.environ))"), {"LANG": "C"}, tmp_path)
    measure.run(given)
    assert "HOME" not in given.output.read_text()


def test_turns(tmp_path: Path) -> None:
    """Contestants take turns, each time in a new folder."""
    turns: list[str] = []

    def contestant(name: str) -> Contestant:
        def prepare(home: Path) -> Command:
            assert list(home.iterdir()) == []
            turns.append(name)
            return command(home, "open('here', 'w')")

        return Contestant(name, "ours", prepare, facts=lambda one: {"first": 1.5})

    rows = measure.compare([contestant("a"), contestant("b")], 3, tmp_path, count_syncs=False)
    assert turns == ["a", "b"] * 3
    assert [(row.name, len(row.samples)) for row in rows] == [("a", 3), ("b", 3)]
    assert all(set(sample) <= set(UNITS) and sample["first"] == 1.5 for row in rows for sample in row.samples)
    assert len(list(tmp_path.iterdir())) == 6


def test_tidy(tmp_path: Path) -> None:
    """Large folders can be removed as soon as their run is over."""
    one = Contestant("a", "ours", lambda home: command(home, "pass"))
    measure.compare([one], 2, tmp_path, count_syncs=False, tidy=True)
    assert list(tmp_path.iterdir()) == []


def test_work_that_was_not_done(tmp_path: Path) -> None:
    """A run that ended well and did not do its work is no run."""
    one = Contestant("a", "ours", lambda home: command(home, "pass"), lambda home: "1 file came of 2")
    with pytest.raises(Failed, match="a: 1 file came of 2"):
        measure.compare([one], 1, tmp_path, count_syncs=False)


def test_shown_commands() -> None:
    """A command is shown without the folders of the machine that it ran on."""
    given = Command((sys.executable, "/home/me/bench/x.py", "--cacert=/tmp/a/b.pem", "https://127.0.0.1/simple/"))
    assert str(given) == "python x.py --cacert=b.pem https://127.0.0.1/simple/"
    assert str(Command(("sh", "-c", "zcat '/home/me/a.gz'"))) == "sh -c zcat 'a.gz'"

"""``bandersnatch plan`` from outside: what it prints, how it exits, and that it changes nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from bandersnatch.catalogue.base import Totals
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.cli import exits, main
from bandersnatch.cli.plan import collect, exit_code
from bandersnatch.cli.planned import lines, spans_of
from bandersnatch.cli.progress import PagesReport
from bandersnatch.storage.lock import Lock
from bandersnatch.sync import events
from bandersnatch.sync.plans import Estimate, Plan, Share, Sum
from bandersnatch.testing import Status
from bandersnatch.values import Struct, fields, replace
from tests.cli.conftest import Program

ALL = "[select]\neverything = true\n"
GIB = 1 << 30
PAGE = Path(__file__).parents[2] / "docs/reference/json-plan.md"

EMPTY = Plan(
    due=0,
    looked_at=0,
    new=0,
    unchanged=0,
    fetch=Sum(),
    unsized=0,
    found=Sum(),
    keep=Sum(),
    leave=Sum(),
    leaving={},
    gone=(),
    refused={},
    largest=(),
    growth={},
    undated=Sum(),
    failures={},
    untaken={},
    unresolved=(),
    absent=0,
    stopped=False,
    brake=(),
    held=Totals(0, 0, 0, 0, 0),
    free=None,
    reserve=0,
)


def tree(directory: Path) -> dict[str, tuple[int, int, int]]:
    """Everything below *directory*, itself included, with what any change of it would change."""
    return {
        str(path): (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        for path in (directory, *directory.rglob("*"))
        for stat in (path.lstat(),)
    }


# --- it changes nothing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["plan"], ["plan", "--full"], ["mirror", "--dry-run"]], ids=" ".join)
def test_nothing_is_changed(program: Program, command: list[str]) -> None:
    """A plan for other rules leaves the mirror's whole directory as it is, to the nanosecond."""
    program.configure(ALL)
    assert program.run("mirror").returncode == 0
    program.upstream.index.upload("alpha", "3.0")
    program.configure(f'{ALL}[exclude]\nprojects = ["beta"]\n')
    before = tree(program.directory)
    result = program.run(*command)
    assert result.returncode == 0, result.stderr
    assert "Fetch:   1 file, " in result.stdout
    assert "Projects that leave: beta" in result.stdout
    assert tree(program.directory) == before


def test_no_directory(program: Program) -> None:
    """Before there is a mirror a plan says what it would be, and makes no directory."""
    program.configure(ALL)
    result = program.run("plan")
    assert result.returncode == 0
    assert "Due:     3 projects, 3 new" in result.stdout
    assert "Fetch:   6 files, " in result.stdout
    assert not program.directory.exists()


def test_while_a_run_holds_the_lock(program: Program) -> None:
    """A plan needs no lock, and leaves what a run is writing as it is; only SQLite's own index of its log may move."""
    program.configure(ALL)
    assert program.run("mirror").returncode == 0
    program.upstream.index.upload("alpha", "3.0")
    state = program.directory / "state"
    with Lock(state / "lock", datetime.now(UTC)).acquire(0):
        catalogue = SqliteCatalogue(state / "catalogue.sqlite")
        catalogue.set({"under": "way"})
        before = tree(program.directory)
        assert program.run("mirror").returncode == exits.LOCKED
        result = program.run("plan")
        after = tree(program.directory)
        catalogue.close()
    assert (result.returncode, result.stderr) == (0, "")
    assert "Fetch:   1 file, " in result.stdout
    assert [path for path in before if after.get(path) != before[path] and not path.endswith("-shm")] == []
    assert after.keys() == before.keys()


def test_directory_that_may_only_be_read(program: Program) -> None:
    """Who may only read the mirror can ask for a plan; its directory is not even tried to be written to."""
    program.configure(ALL)
    assert program.run("mirror").returncode == 0
    program.upstream.index.upload("alpha", "3.0")
    folders = [program.directory, *(path for path in program.directory.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        result = _as_nobody(program, "plan")
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert result.returncode == 0, result.stderr
    assert "Fetch:   1 file, " in result.stdout


def _as_nobody(program: Program, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Root may write everywhere, so it gives that up first."""
    if os.getuid() != 0:
        return program.run(*arguments)
    give_up = (
        "import ctypes, runpy, sys; "
        # capset(2) with nothing in any of its sets: root is nobody in particular then, to the file system.
        "header = (ctypes.c_uint32 * 2)(0x20080522, 0); "
        "assert ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)()) == 0; "
        "runpy.run_module('bandersnatch', run_name='__main__', alter_sys=True)"
    )
    return subprocess.run(
        [sys.executable, "-c", give_up, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=program.home,
        env={"PATH": os.environ["PATH"], "HOME": str(program.home), "LANG": "C.UTF-8", **program.environment},
    )


# --- how it exits --------------------------------------------------------------------------------------------------


def test_nothing_is_due(program: Program) -> None:
    """A mirror that is up to date has nothing to do, and a plan says so in a line."""
    program.configure(ALL)
    program.run("mirror")
    result = program.run("plan")
    assert (result.returncode, result.stderr) == (0, "")
    assert "Nothing is due" in result.stdout


def test_nothing_is_selected(program: Program) -> None:
    """Without a selection there is nothing to plan: the line to change is named."""
    program.configure("")
    result = program.run("plan")
    assert result.returncode == 2
    assert "nothing is selected" in result.stderr


def test_upstream_is_away(program: Program) -> None:
    """An upstream that does not answer is no plan."""
    program.configure(f"{ALL}[upstream]\ntries = 1\n")
    program.upstream.fault("/simple/", Status(503), times=None)
    result = program.run("plan")
    assert (result.returncode, result.stdout) == (1, "")
    assert "503" in result.stderr


def test_project_that_cannot_be_judged(program: Program) -> None:
    """A project whose page cannot be read is named, the others are planned for all the same."""
    program.configure(f"{ALL}[upstream]\ntries = 1\n")
    program.upstream.fault("/simple/beta/", Status(500), times=None)
    result = program.run("plan")
    assert result.returncode == 1
    assert "Of 1 project nothing can be said:\n  beta: " in result.stdout
    assert "Fetch:   4 files, " in result.stdout


def test_brake(program: Program) -> None:
    """What a run would refuse to remove is shown all the same, with the way to let it, and its exit code."""
    for number in range(20):
        program.upstream.index.upload(f"project-{number}", "1.0")
    program.configure(ALL)
    program.run("mirror")
    program.configure(f'{ALL}[exclude]\nprojects = ["project-*"]\n')
    result = program.run("plan")
    assert result.returncode == 3
    assert "Remove:  20 files, " in result.stdout
    assert "A run would refuse: nothing would be left of 20 of 23 projects" in result.stdout
    assert "--accept-removals" in result.stdout
    assert program.run("mirror").returncode == 3
    assert program.run("mirror", "--dry-run", "--accept-removals").returncode == 0


def test_much_is_sampled(program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where very many projects are due a sample is read, unless all is asked for, and that is said first."""
    for number in range(20):
        program.upstream.index.upload(f"project-{number}", "1.0")
    monkeypatch.setenv("BANDERSNATCH_CONFIG", str(program.configure(ALL)))
    monkeypatch.setattr("bandersnatch.cli.plan.FEW", 22)
    monkeypatch.setattr("bandersnatch.cli.plan.PAGES", 5)
    assert main.run(["plan"]) == 0
    told = capsys.readouterr()
    assert told.err.startswith(
        "bandersnatch: looking at 5 of 23 projects, more of those that are large; --forecast all"
    )
    assert program.upstream.count("/simple/*/") == 5
    before, of_what, after = told.out.partition("What follows is of the 5 projects that were looked at, not of all:\n")
    assert of_what
    assert re.search(r"Fetch:   about \d+ files, .+ ± .+, estimated from 5 projects\nRoom: ", before)
    assert after.startswith("Remove:  0 files")
    assert main.run(["plan", "--forecast", "all"]) == 0
    told = capsys.readouterr()
    assert (told.err, "What follows" in told.out) == ("", False)
    assert "Fetch:   26 files" in told.out


def test_progress_without_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no terminal a line says every ten seconds how far the reading is, and nothing in less time."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    now = [0.0]
    with PagesReport(clock=lambda: now[0]) as report:
        report.tell(events.Planned(900_000, None, None, None, sample=40))
        for number in range(40):
            report.tell(events.Confirmed(f"project-{number}"))
            now[0] += 0.6
    assert capsys.readouterr().err.splitlines() == ["reading pages 18/40", "reading pages 35/40"]


@pytest.mark.parametrize("pages", ["1", "-3", "many"])
def test_no_number_of_pages(program: Program, pages: str) -> None:
    """A forecast needs two pages at least, or there is no telling how wrong it may be."""
    program.configure(ALL)
    result = program.run("plan", "--forecast", pages)
    assert result.returncode == 2
    assert "a number of pages" in result.stderr


def test_forecast(program: Program) -> None:
    """A forecast reads so many pages and no more, and gives the sum with its error."""
    for number in range(20):
        program.upstream.index.upload(f"project-{number}", "1.0")
    program.configure(ALL)
    result = program.run("plan", "--forecast", "5")
    assert program.upstream.count("/simple/*/") == 5
    assert re.search(r"Fetch:   about \d+ files, .+ ± .+, estimated from 5 projects", result.stdout)


def test_warnings(program: Program) -> None:
    """A misspelt name and a file of requirements with something odd in it are told on standard error."""
    (program.home / "requirements.txt").write_text("beta\n./local\n")
    program.configure('[select]\nprojects = ["alpa"]\nfrom-files = ["requirements.txt"]\n')
    result = program.run("plan", "--upstream", program.upstream.url)
    assert "alpa" in result.stderr
    assert "did you mean alpha?" in result.stderr
    assert "requirements.txt:2: is a URL or path" in result.stderr
    assert result.returncode == 1, "a named project that upstream does not have cannot be judged"


def test_requirements_of_the_command_line(program: Program) -> None:
    """Without a configuration a plan is for what is named, by requirement or by file."""
    (program.home / "wanted.txt").write_text("beta>=2\n")
    place = ("--upstream", program.upstream.url, "--directory", "mirror")
    result = program.run("plan", *place, "alpha", "-r", "wanted.txt", "--json")
    assert result.returncode == 0, result.stderr
    plan = json.loads(result.stdout)
    assert (plan["due"], plan["new"], plan["fetch"]["files"]) == (2, 2, 3)


# --- as JSON -------------------------------------------------------------------------------------------------------


def test_json_page() -> None:
    """The page about the JSON has every field of the plan, and of what stands in it, and no others."""
    sections = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.M)
    told = {section.partition("\n")[0]: set(re.findall(r"^\| `(\w+)` \|", section, re.M)) for section in sections[1:]}
    assert told.pop("The plan") == set(collect(EMPTY))
    assert told == {kind.__name__.lower(): {one.name for one in fields(kind)} for kind in _parts(Plan)}


def _parts(kind: Any) -> set[Any]:
    """The structs that the fields of another one are made of."""
    hints = [hint for each in get_type_hints(kind).values() for hint in (each, *get_args(each))]
    return {hint for hint in hints if isinstance(hint, type) and issubclass(hint, Struct)}


def test_json_is_the_plan(program: Program) -> None:
    """What --json prints is one object with every field."""
    program.configure(ALL)
    result = program.run("plan", "--json")
    plan = json.loads(result.stdout)
    assert plan.keys() == collect(EMPTY).keys()
    assert plan["fetch"]["files"] == 6
    assert {one["project"] for one in plan["largest"]} == {"alpha", "beta", "gamma"}


# --- what people read ----------------------------------------------------------------------------------------------

DUE = replace(EMPTY, due=3, looked_at=3)
ROOM = replace(DUE, free=3 * GIB, reserve=GIB)


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (EMPTY, "Nothing is due: neither upstream nor the rules have changed what is wanted"),
        (replace(DUE, new=2, unchanged=1), "Due:     3 projects, 2 new, 1 unchanged"),
        (replace(DUE, looked_at=2), "Due:     3 projects, 2 of them looked at"),
        (replace(DUE, fetch=Sum(2, GIB)), "Fetch:   2 files, 1.0 GiB"),
        (
            replace(DUE, fetch=Sum(2, GIB), unsized=1),
            "Fetch:   2 files, 1.0 GiB, and the bytes of 1 whose size is not known",
        ),
        (
            replace(DUE, looked_at=2, forecast=Estimate(5, 3 * GIB, GIB)),
            "Fetch:   about 5 files, 3.0 GiB ± 1.0 GiB, estimated from 2 projects",
        ),
        (replace(DUE, found=Sum(1, 5)), "Found:   1 file, 5 B, in storage or in the trash already"),
        (replace(DUE, leave=Sum(4, 9), gone=("a", "b")), "Remove:  4 files, 9 B; 2 projects altogether"),
        (replace(DUE, gone=("a", "b")), "Projects that leave: a, b"),
        (replace(DUE, gone=tuple("abcdefghijkl")), "Projects that leave: a, b, c, d, e, f, g, h, i, j and 2 more"),
        (replace(DUE, keep=Sum(4, 9)), "Keep:    4 files, 9 B"),
        (DUE, "Room:    not known"),
        (replace(DUE, free=GIB), "Room:    1.0 GiB: enough"),
        (replace(ROOM, fetch=Sum(1, 2 * GIB)), "Room:    3.0 GiB, 1.0 GiB to stay free: enough"),
        (replace(ROOM, fetch=Sum(1, 3 * GIB)), "Room:    3.0 GiB, 1.0 GiB to stay free: 1.0 GiB too little"),
        (replace(ROOM, free=7, fetch=Sum(1, 7)), "Room:    7 B, 1.0 GiB to stay free: 7 B too little"),
        (replace(DUE, free=GIB, forecast=Estimate(1, 3 * GIB, 0)), "Room:    1.0 GiB: 2.0 GiB too little"),
        (replace(DUE, leaving={"yanked": Sum(1, 2)}), "  yanked  1 file, 2 B"),
        (replace(DUE, refused={"files.types": Sum(3, 2)}), "  files.types  3 files, 2 B"),
        (replace(DUE, largest=(Share("six", 2, 9), Share("x", 1, 3))), "  six  2 files, 9 B"),
        (replace(DUE, failures={"six": "gone fishing"}), "  six: gone fishing"),
        (replace(DUE, failures={str(one): "" for one in range(12)}), "  and 2 more; --json names all"),
        (replace(DUE, absent=1), "Upstream lists 1 project that it has no page for"),
        (replace(DUE, stopped=True), "Upstream stopped answering; this is what was found out until then"),
        (replace(DUE, brake=("too many",)), "A run would refuse: too many"),
        (replace(DUE, growth={"2025-01": 1, "2025-02": 2}, undated=Sum(1, 1)),
         "Bytes of what is due, by the time of upload (1 file without one left out):"),
        (replace(DUE, growth={"2025-01": 1, "2025-02": 2}), "  2025-02         2 B ██████████████████████████████"),
    ],
)  # fmt: skip
def test_lines(plan: Plan, line: str) -> None:
    """Whatever there is to say stands on a line of its own."""
    assert line in lines(plan, bars=True)


def test_no_bars_without_a_terminal() -> None:
    """What goes into a file or a pipe is drawn without bars."""
    assert "█" not in "".join(lines(replace(DUE, growth={"2025-01": 1, "2025-02": 2}), bars=False))


@pytest.mark.parametrize(
    ("growth", "spans"),
    [
        ({}, {}),
        ({"2026-12": 1}, {"2026-12": 1}),
        ({"2025-12": 1, "2026-01": 2, "2026-12": 3}, {"2025": 1, "2026-01": 2, "2026-12": 3}),
        (
            {"2023-01": 1, "2023-04": 2, "2025-03": 4, "2025-04": 8, "2026-03": 16},
            {"2023": 3, "2025, before 2025-04": 4, "2025-04": 8, "2026-03": 16},
        ),
    ],
)
def test_growth(growth: dict[str, int], spans: dict[str, int]) -> None:
    """Twelve months are told one by one, up to the newest upload; those before by the year, none of them twice."""
    assert spans_of(growth) == spans


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (DUE, exits.CLEAN),
        (replace(DUE, absent=3), exits.CLEAN),
        (replace(DUE, failures={"six": "why"}), exits.BEHIND),
        (replace(DUE, stopped=True), exits.BEHIND),
        (replace(DUE, brake=("why",)), exits.REFUSED),
        (replace(DUE, brake=("why",), stopped=True), exits.REFUSED),
    ],
)
def test_exit_codes(plan: Plan, code: int) -> None:
    """A plan is a plan, whatever it says; only what cannot be told or would be refused has codes of its own."""
    assert exit_code(plan) == code

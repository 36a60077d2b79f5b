"""``bandersnatch mirror`` from outside: what it prints, how it exits, how it stops."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time

import pytest

from bandersnatch.testing import Drip, Stall, Status
from tests.cli.conftest import Program


def test_requirements_need_no_configuration(program: Program) -> None:
    """Named requirements are mirrored without any configuration, and the summary says what was done."""
    arguments = ("mirror", "--directory", "mirror", "--upstream", program.upstream.url, "alpha", "beta>=2")
    first = program.run(*arguments)
    assert first.returncode == 0, first.stderr
    assert "2 projects refreshed, 0 unchanged, 3 files fetched" in first.stdout
    second = program.run(*arguments)
    assert second.returncode == 0
    assert "Nothing has changed upstream" in second.stdout


def test_cron_is_quiet(program: Program) -> None:
    """By configuration and without a terminal nothing is printed that is not worth a mail."""
    program.configure("[select]\neverything = true\n")
    for _ in range(2):
        result = program.run("mirror")
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_cron_tells_bad_news_once(program: Program) -> None:
    """A project that falls behind is worth one mail, not one every two minutes; the exit code always says it."""
    program.configure("[select]\neverything = true\n[upstream]\ntries = 1\n")
    program.upstream.fault("/simple/beta/", Status(500), times=None)
    first = program.run("mirror")
    assert first.returncode == 1
    assert "beta is behind" in first.stderr
    second = program.run("mirror")
    assert (second.returncode, second.stdout, second.stderr) == (1, "", "")


def test_cron_is_told_a_handful(program: Program) -> None:
    """However many projects fall behind, cron mails some lines, and one that counts the others."""
    program.configure("[select]\neverything = true\n[upstream]\ntries = 1\n")
    for number in range(40):
        program.upstream.index.upload(f"many-{number}", "1.0")
    program.upstream.fault("/simple/many-*", Status(500), times=None)
    lines = program.run("mirror").stderr.splitlines()
    assert len(lines) == 6
    assert sum("is behind: " in line for line in lines) == 5
    assert lines[5] == "bandersnatch: and 35 more projects that fell behind: bandersnatch status names them"


def test_cron_is_told_of_a_wrong_name_once(program: Program) -> None:
    """A selected name that upstream does not have is one line, and nothing in the next run."""
    program.configure('[select]\nprojects = ["alpha", "gama", "xyzzy"]\n')
    first = program.run("mirror")
    about = [line for line in first.stderr.splitlines() if "gama" in line or "xyzzy" in line]
    assert [("gama" in line, "did you mean gamma?" in line) for line in about] == [(True, True), (False, False)]
    assert first.stderr.splitlines() == about
    assert program.run("mirror").stderr == ""


def test_cron_is_told_of_many_wrong_names_in_a_handful(program: Program) -> None:
    """However many selected names upstream does not have, a handful of lines says so."""
    for count in (12, 60):
        names = ", ".join(f'"no-such-{number}"' for number in range(count))
        program.configure(f"[select]\nprojects = [{names}]\n")
        assert len(program.run("mirror", "--directory", f"mirror-{count}").stderr.splitlines()) <= 8


def test_everything_says_first_how_much_it_is(program: Program) -> None:
    """A mirror of everything says first about how much it needs and what there is, and asks for no page twice."""
    program.configure("[select]\neverything = true\n")
    for number in range(250):
        program.upstream.index.upload(f"many-{number}", "1.0")
    result = program.run("mirror", "-v")
    assert result.returncode == 0
    [planned] = [line for line in result.stdout.splitlines() if line.startswith("To refresh: 253 projects; ")]
    assert re.search(r"to fetch: about 2\d\d files, .+ ± .+, estimated from 200 projects \(.+ are free\)$", planned)
    assert program.upstream.count("/simple/*/") == 253
    shutil.rmtree(program.directory / "state")
    assert "to fetch: about 0 files, 0 B ± 0 B, " in program.run("mirror", "-v").stdout, "all is there already"


@pytest.mark.parametrize("count", [10, 250])
def test_everything_does_not_fit(program: Program, count: int) -> None:
    """What will not fit is said before the first file, from cron too, and not again by every run that fails."""
    for number in range(count):
        program.upstream.index.upload(f"many-{number}", "1.0")
    path = program.configure("[select]\neverything = true\n")
    free = shutil.disk_usage(program.home).free
    path.write_text(path.read_text().replace('reserve = "0"', f'reserve = "{free // (1 << 20) + 1000}MiB"'))
    first = program.run("mirror")
    assert first.returncode == 74
    assert "more than there is room for" in first.stderr
    assert "more than there is room for" not in program.run("mirror").stderr


def test_what_is_there_fits(program: Program) -> None:
    """Files that lie in storage are not to be fetched, and need no room."""
    path = program.configure("[select]\neverything = true\n")
    assert program.run("mirror").returncode == 0
    shutil.rmtree(program.directory / "state")
    assert "to fetch: 0 files, 0 B" in program.run("mirror", "-v").stdout
    shutil.rmtree(program.directory / "state")
    free = shutil.disk_usage(program.home).free
    path.write_text(path.read_text().replace('reserve = "0"', f'reserve = "{free // (1 << 20) + 1000}MiB"'))
    assert "more than there is room for" not in program.run("mirror").stderr


def test_json(program: Program) -> None:
    """--json prints one object a line, from the first event to the last."""
    program.configure("[select]\neverything = true\n")
    result = program.run("mirror", "--json")
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert told[0]["event"] == "started"
    assert told[-1]["event"] == "finished"
    assert (told[-1]["outcome"], told[-1]["files"], told[-1]["refreshed"]) == ("clean", 6, 3)
    assert {one["project"] for one in told if one["event"] == "refreshed"} == {"alpha", "beta", "gamma"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signal(program: Program, number: signal.Signals, code: int) -> None:
    """A signal ends the run within seconds, without a traceback and with nothing to clean up; the next run goes on."""
    program.configure("[select]\neverything = true\n")
    program.upstream.index.upload("delta", "1.0", padding=2_000_000)
    program.upstream.fault("/packages/*delta*", Drip(1000, 2000), times=1)
    process = program.start("mirror")
    _wait_until(lambda: program.upstream.count("/packages/*delta*") > 0)
    began = time.monotonic()
    process.send_signal(number)
    _out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert "Traceback" not in err
    assert time.monotonic() - began < 10
    assert not list((program.directory / "state/tmp").iterdir())
    assert program.run("mirror").returncode == 0
    assert len(list(program.directory.glob("web/packages/*/*/*/*.whl"))) == 7


@pytest.mark.parametrize(("number", "code", "by"), [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGINT, 130, "^C")])
@pytest.mark.parametrize("after", [None, 20])
def test_signal_while_upstream_is_silent(
    program: Program, number: signal.Signals, code: int, by: str, after: int | None
) -> None:
    """What stopped the run is said wherever it stands, also where it waits for the list of projects."""
    program.configure("[select]\neverything = true\n")
    program.upstream.fault("/simple/", Stall(after), times=None)
    process = program.start("mirror")
    _wait_until(lambda: program.upstream.count("/simple/") > 0)
    process.send_signal(number)
    _out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert f"stopped: by {by}; what is whole is kept, and the next run goes on from there" in err


def test_second_run_leaves(program: Program) -> None:
    """While a run holds the lock, another one leaves with its own exit code, silently, or waits if it is asked to."""
    program.configure("[select]\neverything = true\n")
    program.upstream.fault("/packages/*alpha-1*", Drip(2, 2000), times=1)
    first = program.start("mirror")
    _wait_until(lambda: program.upstream.count("/packages/*alpha-1*") > 0)
    second = program.run("mirror")
    assert (second.returncode, second.stdout, second.stderr) == (75, "", "")
    third = program.run("mirror", "--wait", "1m")
    assert third.returncode == 0
    first.communicate(timeout=20)
    assert first.returncode == 0


def test_directory_cannot_be_used(program: Program) -> None:
    """A directory that cannot be made is named, with what to do."""
    program.configure("[select]\neverything = true\n")
    (program.home / "mirror").write_text("a file")
    result = program.run("mirror")
    assert result.returncode == 74
    assert str(program.directory) in result.stderr


def test_nothing_selected(program: Program) -> None:
    """A configuration that selects nothing is no run: it says which line to change, how big PyPI is, and the room."""
    path = program.configure("[select]\nprojects = []\n")
    result = program.run("mirror")
    assert result.returncode == 2
    assert f"{path}:6" in result.stderr
    assert "tens of terabytes" in result.stderr
    assert "has room for" in result.stderr
    assert not program.directory.exists()


def test_configuration_problems(program: Program) -> None:
    """Every problem of the configuration is told at once, with file and line; nothing is begun."""
    path = program.configure('[select]\nprojets = ["six"]\n[upstream]\ntries = "many"\n')
    result = program.run("mirror")
    assert result.returncode == 2
    assert f"{path}:6: select.projets" in result.stderr
    assert f"{path}:8: upstream.tries" in result.stderr
    assert not program.directory.exists()


def test_named_configuration_is_missing(program: Program) -> None:
    """A configuration that is named and not there is an error, and is not written."""
    result = program.run("-c", "elsewhere.conf", "mirror")
    assert result.returncode == 2
    assert "bandersnatch config init elsewhere.conf" in result.stderr
    assert not (program.home / "elsewhere.conf").exists()


def test_status(program: Program) -> None:
    """status says what is held, and names what is behind with reason, tries and the next try."""
    program.configure("[select]\neverything = true\n[upstream]\ntries = 1\n")
    assert program.run("status").returncode == 2
    program.upstream.fault("/simple/beta/", Status(500), times=None)
    program.run("mirror")
    result = program.run("status")
    assert result.returncode == 1
    assert "2 projects, 4 files" in result.stdout
    assert "beta: " in result.stdout
    facts = json.loads(program.run("status", "--json").stdout)
    [behind] = facts["behind"]
    assert (behind["name"], behind["tries"]) == ("beta", 1)
    assert behind["next_try"] - behind["since"] == pytest.approx(60, abs=5)
    assert facts["serial"] < facts["upstream_serial"]
    program.upstream.clear_faults()
    program.run("mirror", "--full")
    assert program.run("status").returncode == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh", "fish"])
def test_completion(program: Program, shell: str) -> None:
    """A completion script for the shell is printed."""
    result = program.run("completion", shell)
    assert result.returncode == 0
    assert "bandersnatch" in result.stdout


def _wait_until(condition: object) -> None:
    deadline = time.monotonic() + 20
    while not condition():  # type: ignore[operator]  # any callable will do
        assert time.monotonic() < deadline
        time.sleep(0.01)

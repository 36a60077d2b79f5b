"""Repair, removal and what else an operator does, from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bandersnatch.cli import audit
from bandersnatch.errors import UsageError
from tests.cli.conftest import Program

pytestmark = pytest.mark.timeout(300)  # each command is a process, which takes its time on a busy machine


@pytest.fixture
def mirrored(program: Program) -> Program:
    """A mirror of everything, with its configuration."""
    program.configure("[select]\neverything = true\n")
    assert program.run("mirror").returncode == 0
    return program


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def damage(program: Program) -> Path:
    """A file of the right size with the wrong bytes."""
    [path] = program.directory.glob("web/packages/*/*/*/alpha-1.0-py3-none-any.whl")
    path.write_bytes(b"x" * path.stat().st_size)
    return path


# --- verify --repair -----------------------------------------------------------------------------------------------


def test_repair(mirrored: Program) -> None:
    """The dry run shows the plan and changes nothing; the repair carries it out, and nothing is left to find."""
    path = damage(mirrored)
    shown = mirrored.run("verify", "--hash", "--repair", "--dry-run")
    assert shown.returncode == 1
    assert "repair: files: 1 finding: look at each file of the project" in shown.stdout
    assert path.read_bytes().startswith(b"xx")
    assert mirrored.run("status", "--json").returncode == 0
    repaired = mirrored.run("verify", "--hash", "--repair", "--json")
    assert repaired.returncode == 0
    found = lines(repaired.stdout)
    assert (found[0]["kind"], found[0]["repair"]) == ("wrong-bytes", "files")
    assert found[1]["steps"] == {"files": 1}
    assert found[-1]["event"] == "finished"
    assert found[-1]["files"] == 1
    clean = mirrored.run("verify", "--hash", "--pages", "--strict")
    assert (clean.returncode, clean.stdout) == (0, "nothing was found\n")


def test_repair_with_garbage(mirrored: Program) -> None:
    """Garbage stays unless it is asked for."""
    stray = mirrored.directory / "web/simple/stranger/index.html"
    stray.parent.mkdir()
    stray.write_text("nobody knows")
    assert "repair: nothing: 1 finding" in mirrored.run("verify", "--repair").stdout
    assert stray.exists()
    assert "garbage: 1 page deleted; 0 files" in mirrored.run("verify", "--repair", "--garbage").stdout
    assert not stray.exists()


def test_repair_keeps_what_its_run_published(program: Program) -> None:
    """What nothing knew when it was looked at, and the run of the repair has published since, is no garbage."""
    program.upstream.index.upload("beta", "3.0", provenance=True)
    program.configure('[select]\nprojects = ["alpha"]\n')
    assert program.run("mirror").returncode == 0
    strays = ["web/simple/beta/index.html", "web/integrity/beta/3.0/beta-3.0-py3-none-any.whl/provenance"]
    for stray in strays:
        path = program.directory / stray
        path.parent.mkdir(parents=True)
        path.write_text("nobody knows")
    program.configure('[select]\nprojects = ["alpha", "beta"]\n')
    repaired = program.run("verify", "--repair", "--garbage")
    assert repaired.returncode == 0, repaired.stderr
    assert "0 pages deleted; 0 files" in repaired.stdout
    assert "beta-3.0" in (program.directory / strays[0]).read_text()
    assert program.run("verify", "--pages", "--hash", "--strict").stdout == "nothing was found\n"


def test_repair_without_a_selection(mirrored: Program) -> None:
    """Without a selection what is damaged is marked, and the next run mends it."""
    damage(mirrored)
    mirrored.configure("")
    repaired = mirrored.run("verify", "--hash", "--repair")
    assert repaired.returncode == 1
    assert "is only marked" in repaired.stderr
    assert mirrored.run("mirror", "alpha", "beta", "gamma").returncode == 0
    assert mirrored.run("verify", "--hash").stdout.endswith("nothing was found\n")


def test_options_of_repair(mirrored: Program) -> None:
    """What is about a repair is refused without one; names and digests cannot both be all that is compared."""
    refused = mirrored.run("verify", "--dry-run", "--garbage")
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        "bandersnatch: --dry-run: it is about --repair, which is not given",
        "bandersnatch: --garbage: it is about --repair, which is not given",
    ]
    assert mirrored.run("verify", "--quick", "--hash").returncode == 2


def test_repair_is_alone(mirrored: Program) -> None:
    """A repair takes the mirror's lock."""
    import fcntl

    with (mirrored.directory / "state/lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert mirrored.run("verify", "--repair").returncode == 75
        assert mirrored.run("gc", "--yes").returncode == 75
        assert mirrored.run("gc", "--dry-run").returncode == 0
        assert mirrored.run("trash", "empty", "--yes").returncode == 75
        assert mirrored.run("trash", "empty", "--dry-run").returncode == 0
        restored = mirrored.run("trash", "restore", "alpha", "--dry-run")
        assert "nothing of that name is in the trash" in restored.stderr


# --- gc ------------------------------------------------------------------------------------------------------------


def test_gc(mirrored: Program) -> None:
    """Nothing is done by a dry run, or where nobody can be asked; with --yes it is."""
    stray = mirrored.directory / "web/simple/stranger/index.html"
    stray.parent.mkdir()
    stray.write_text("nobody knows")
    old = mirrored.directory / "state/partial" / ("a" * 64)
    old.write_bytes(b"12345")
    import os

    os.utime(old, (1e9, 1e9))
    shown = lines(mirrored.run("gc", "--dry-run", "--json").stdout)
    assert shown[0]["key"] == "simple/stranger/index.html"
    assert (shown[1]["pages"], shown[1]["partial"], shown[1]["partial_bytes"]) == (1, 1, 5)
    refused = mirrored.run("gc")
    assert refused.returncode == 2
    assert "there is no terminal to ask on" in refused.stderr
    assert stray.exists()
    assert old.exists()
    assert mirrored.run("gc", "--yes").returncode == 0
    assert not stray.exists()
    assert not old.exists()
    assert mirrored.run("gc", "--yes").stdout == "there is nothing to take away\n"


def test_gc_refuses(mirrored: Program) -> None:
    """What would be refused, a dry run refuses as well: after it has shown what there is."""
    stray = mirrored.directory / "web/packages/aa/bb" / ("c" * 60) / "stranger-1.0.tar.gz"
    stray.parent.mkdir(parents=True)
    stray.write_text("nobody knows")
    mirrored.configure("[select]\neverything = true\n[removal]\nmax-files = 0\n")
    for command in ("--dry-run", "--yes"):
        done = mirrored.run("gc", command)
        assert done.returncode == 3
        assert "1 files that nothing knows would leave" in done.stderr
        assert "stranger-1.0.tar.gz" in done.stdout
    assert mirrored.run("gc", "--dry-run", "--accept-removals").returncode == 0
    assert stray.exists()


def test_nothing_to_keep(program: Program) -> None:
    """Where nothing was mirrored there is nothing to do."""
    program.configure("[select]\neverything = true\n")
    for command in (["gc", "--yes"], ["gc", "--dry-run"], ["verify", "--repair"]):
        done = program.run(*command)
        assert done.returncode == 2
        assert "nothing was mirrored here yet" in done.stderr


# --- delete and trash ----------------------------------------------------------------------------------------------


def test_delete(mirrored: Program) -> None:
    """What would go is said first, with the line that keeps it away; then it goes, and with that line stays away."""
    shown = mirrored.run("delete", "alpha", "beta==1.0", "--dry-run")
    assert shown.returncode == 0
    assert 'unless the configuration says so: exclude.projects = ["alpha"]' in shown.stdout
    assert 'exclude.projects = ["beta==1.0"]' in shown.stdout
    assert mirrored.run("delete", "alpha").returncode == 2  # there is no terminal
    assert (mirrored.directory / "web/simple/alpha").exists()
    done = mirrored.run("delete", "alpha", "beta==1.0", "--yes")
    assert done.returncode == 0
    assert "done; 3 files will leave storage after 1 h" in done.stdout
    assert not (mirrored.directory / "web/simple/alpha").exists()
    assert lines(mirrored.run("delete", "gamma", "--dry-run", "--json").stdout)[0]["comes_back"] is True
    mirrored.configure('[select]\neverything = true\n[exclude]\nprojects = ["alpha", "beta==1.0"]\n')
    assert mirrored.run("mirror").returncode == 0
    assert not (mirrored.directory / "web/simple/alpha").exists()


def test_trash(mirrored: Program) -> None:
    """What left is listed, comes back after it was verified, and goes for good."""
    mirrored.upstream.index.remove_file("alpha-1.0-py3-none-any.whl")
    text = '[select]\neverything = true\n[upstream]\nchanges = "auto"\n'
    path = mirrored.configure(text)
    path.write_text(path.read_text().replace('reserve = "0"', 'reserve = "0"\ngrace = "0s"'))
    for _ in range(2):
        assert mirrored.run("mirror").returncode == 0
    listed = lines(mirrored.run("trash", "list", "--json").stdout)
    assert [one["reason"] for one in listed] == ["deleted", "deleted"]
    assert mirrored.run("trash", "list", "alpha").stdout.endswith("2 objects, 1.0 KiB\n")
    assert mirrored.run("trash", "list", "beta").stdout == "0 objects, 0 B\n"
    shown = mirrored.run("trash", "restore", "alpha==1.0", "--dry-run")
    assert "bytes, verified" in shown.stdout
    assert 'removal.deleted = "keep"' in shown.stdout
    assert mirrored.run("trash", "restore", "alpha").returncode == 2
    assert mirrored.run("trash", "restore", "alpha", "--yes").returncode == 0
    assert "alpha-1.0" in (mirrored.directory / "web/simple/alpha/index.html").read_text()
    for _ in range(2):
        mirrored.run("mirror")
    assert "0 objects" not in mirrored.run("trash", "list").stdout
    assert mirrored.run("trash", "empty", "nobody", "--yes").returncode == 2
    assert mirrored.run("trash", "empty", "--dry-run").stdout.endswith("deleted for good\n")
    assert mirrored.run("trash", "empty", "--yes").returncode == 0
    assert mirrored.run("trash", "list").stdout == "0 objects, 0 B\n"


# --- audit ---------------------------------------------------------------------------------------------------------


def test_audit(mirrored: Program) -> None:
    """One number, one exit code, and a report that is checked elsewhere."""
    done = mirrored.run("audit", "--report", "report", "--json")
    assert done.returncode == 0
    assert lines(done.stdout)[-1]["incomplete"] == 0
    assert mirrored.run("audit", "--check", "report").returncode == 0
    damage(mirrored)
    assert mirrored.run("audit", "--quick").returncode == 0
    found = mirrored.run("audit")
    assert found.returncode == 1
    assert "alpha: wrong-bytes" in found.stdout
    assert "incomplete: 1; here are 3 projects" in found.stdout
    assert mirrored.run("audit", "--check", "report").returncode == 1
    other = mirrored.run("audit", "--check", "report", "--tree", str(mirrored.directory / "web"), "--json")
    assert lines(other.stdout)[0]["kind"] == "wrong-bytes"


def test_audit_of_nothing(program: Program) -> None:
    """Wrong usage is named, and so is an upstream that does not answer."""
    program.configure("[select]\neverything = true\n")
    assert program.run("audit").returncode == 2
    assert "--tree: it is about --check" in program.run("audit", "--tree", "/").stderr
    tree, other = str(program.home), program.home / "other"
    done = program.run("audit", "--check", "nothing", "--tree", tree)
    assert (done.returncode, done.stderr) == (2, "bandersnatch: nothing: No such file or directory\n")
    other.write_text("no report")
    done = program.run("audit", "--check", str(other), "--tree", tree)
    assert done.returncode == 2
    assert "other: this is no report of an audit" in done.stderr


def test_report_or_nothing(tmp_path: Path) -> None:
    """A report is whole or not there, whatever ends the audit; a reader that left is not taken for the disk."""
    with pytest.raises(BrokenPipeError), audit._written(str(tmp_path / "report"), "/srv/pypi") as write:
        write("{}")
        raise BrokenPipeError
    with pytest.raises(UsageError, match="is a folder"), audit._written(str(tmp_path), "/srv/pypi"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_report_on_a_full_disk(tmp_path: Path) -> None:
    """A disk without room for the report is named with the report, and nothing of it stays."""
    script = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "from bandersnatch.cli import audit\n"
        "from bandersnatch.errors import StorageError\n"
        "try:\n"
        "    with audit._written('report', '/srv/pypi') as write: [write('x' * 100) for _ in range(300)]\n"
        "except StorageError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("File too large at report")
    assert list(tmp_path.iterdir()) == []


# --- backup and restore --------------------------------------------------------------------------------------------


def test_backup_and_restore(mirrored: Program) -> None:
    """What cannot be the copy is refused and left, above all the catalogue; a dry run says what it would do."""
    catalogue = mirrored.directory / "state/catalogue.sqlite"
    before = catalogue.stat().st_ino
    for name, reason in ((".", "is a folder"), (str(catalogue), "is where the mirror has its own files")):
        refused = mirrored.run("backup", name)
        assert refused.returncode == 2
        assert reason in refused.stderr
    assert catalogue.stat().st_ino == before
    assert not list(mirrored.home.glob("**/*.new"))
    assert mirrored.run("backup", "copy").returncode == 0
    [shown] = lines(mirrored.run("restore", "copy", "--dry-run", "--json").stdout)
    assert shown["sets_aside"] is True
    assert mirrored.run("restore", "copy").returncode == 2
    [done] = lines(mirrored.run("restore", "copy", "--yes", "--json").stdout)
    assert (done["projects"], done["last_run"]) == (3, shown["last_run"])


def test_threads(mirrored: Program) -> None:
    """A number of threads that is none is refused in words."""
    for given in ("0", "65", "many"):
        refused = mirrored.run("verify", "--threads", given)
        assert refused.returncode == 2
        assert "argument --threads: a number from 1 to 64" in refused.stderr


# --- verify --upstream and --rolling -------------------------------------------------------------------------------


def test_upstream(mirrored: Program) -> None:
    """What upstream has newer is behind, and what it has no longer is unwanted; only its list is read, unless asked."""
    assert mirrored.run("verify", "--upstream").stdout == "nothing was found\n"
    mirrored.upstream.index.upload("alpha", "3.0")
    mirrored.upstream.index.remove_project("gamma")
    mirrored.upstream.reset()
    found = mirrored.run("verify", "--upstream", "--json")
    assert found.returncode == 1
    assert [(one["kind"], one["project"]) for one in lines(found.stdout)[:-1]] == [
        ("unwanted", "gamma"),
        ("behind", "alpha"),
    ]
    assert mirrored.upstream.count("/simple/alpha/") == 0
    named = mirrored.run("verify", "--upstream", "--project", "alpha")
    assert "1 file is not here, such as alpha-3.0-py3-none-any.whl" in named.stdout
    assert "gamma" not in named.stdout
    pages = mirrored.run("verify", "--upstream", "pages", "--resume")
    assert "alpha-3.0-py3-none-any.whl" in pages.stdout
    assert mirrored.upstream.count("/simple/beta/") == 1
    assert not list((mirrored.directory / "state").glob("verify*"))
    assert mirrored.run("verify", "--upstream", "--repair").returncode == 2
    assert mirrored.run("verify").stdout == "nothing was found\n"


def test_rolling(mirrored: Program) -> None:
    """The next part, outside a run; what is damaged is marked, and the next run repairs it."""
    assert mirrored.run("verify", "--rolling").returncode == 2
    mirrored.configure('[select]\neverything = true\n[verify]\nshare-per-day = "100%"\n')
    assert mirrored.run("verify", "--rolling").stdout.startswith("looked at 3 projects, 6 files")
    damage(mirrored)
    mirrored.configure("[select]\neverything = true\n[verify]\nfiles-per-day = 1000000000\n")
    found = mirrored.run("verify", "--rolling", "--json")
    assert found.returncode == 1
    assert lines(found.stdout)[0]["damaged"] == 1
    assert "the next run repairs it" in found.stderr
    assert mirrored.run("mirror").returncode == 0
    assert mirrored.run("verify", "--hash").stdout == "nothing was found\n"

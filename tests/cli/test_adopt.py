"""The command ``adopt``: what it prints, what it returns, what it refuses."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from tests.adopt import trees
from tests.cli.conftest import Program

FILES = 6


@pytest.fixture
def old(program: Program) -> Path:
    """A tree of PyPA bandersnatch in the place of the mirror."""
    return trees.PyPA(todo="9\nalpha 9\n").make(program.directory, program.upstream.index)


def test_in_place(program: Program, old: Path) -> None:
    """It says what it is, what it will do and what it did; the run after it fetches nothing."""
    done = program.run("adopt", str(old))
    assert done.returncode == 0, done.stderr
    assert f"Found:   PyPA bandersnatch in {old}, generation 5, serial 7, 1 project unfinished" in done.stdout
    assert "Mirror:  the same folder" in done.stdout
    assert "Aside:   generation, status, todo" in done.stdout
    assert f"{FILES} files kept where they are, 0 files taken" in done.stdout
    assert f"Next:    bandersnatch mirror --directory {old}" in done.stdout
    program.configure("[select]\neverything = true\n")
    assert program.run("mirror").returncode == 0
    assert program.upstream.count("/packages/*") == 0


def test_dry_run(program: Program, old: Path) -> None:
    """A dry run changes nothing, and reads no file."""
    before = sorted(str(path) for path in old.rglob("*"))
    done = program.run("adopt", str(old), "--dry-run", "--write-config", "new.toml")
    assert done.returncode == 0
    assert f"Files:   {FILES} files" in done.stdout
    assert "Nothing was changed." in done.stdout
    assert sorted(str(path) for path in old.rglob("*")) == before
    assert not (program.home / "new.toml").exists()


def test_damage(program: Program, old: Path) -> None:
    """Damage is named, and makes the exit code 1; what a name could do to a terminal is escaped."""
    [path] = old.rglob("alpha-1.0-*.whl")
    path.write_bytes(b"damaged")
    trees.write(old / "web/\x1b[2Jnotes", b"")
    done = program.run("adopt", str(old))
    assert done.returncode == 1
    assert "damaged: 1: not what was promised" in done.stdout
    assert f"  {path.relative_to(old)}: its BLAKE2b-256 is " in done.stdout
    assert "\\x1b[2Jnotes" in done.stdout
    assert "\x1b" not in done.stdout


def test_json(program: Program, old: Path) -> None:
    """For machines: the plan, every thing, the sum."""
    done = program.run("adopt", str(old), "--json")
    first, *things, last = map(json.loads, done.stdout.splitlines())
    assert (first["tool"], first["in-place"], first["counts"]["file"]) == ("PyPA bandersnatch", True, FILES)
    kept = [one for one in things if one["fate"] == "kept"]
    assert len(kept) == FILES
    assert all(one["path"] == f"web/{one['key']}" for one in kept)
    assert (last["fates"]["kept"], last["dry-run"]) == (FILES, False)


def test_needs_a_mirror(program: Program) -> None:
    """For a folder of files somebody has to say where the mirror is."""
    trees.folder(program.home / "files", program.upstream.index)
    done = program.run("adopt", "files")
    assert (done.returncode, "--directory" in done.stderr) == (2, True)
    program.configure("")
    done = program.run("adopt", "files")
    assert done.returncode == 0
    assert f"{FILES} files taken to their places" in done.stdout


def test_refusals(program: Program, old: Path) -> None:
    """What cannot be meant is refused, with what to say instead, before anything is changed."""
    for arguments, reason in (
        ([f"{old}/web", "--directory", str(old)], f"name the mirror's folder itself: {old}"),
        ([str(old), "--directory", f"{old}/new"], "the mirror lies in it"),
        ([str(old), "--by", "move"], "whose links would break"),
        ([f"{old}/nothing"], "no such folder"),
        ([str(old), "--crontab", "nothing"], "cannot be read"),
    ):
        done = program.run("adopt", *arguments)
        assert (done.returncode, reason in done.stderr) == (2, True), done.stderr
    assert not (old / "state").exists()


def test_locks(program: Program, old: Path) -> None:
    """Beside a run of the other tool nothing is done."""
    with (old / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert program.run("adopt", str(old)).returncode == 75


def test_suggestions(program: Program) -> None:
    """The lines of cron that ran pep381client become ours, and a configuration is written that is read as it is."""
    home = trees.pep381client(program.directory, program.upstream.index)
    (program.home / "crontab").write_text(
        f"# the mirror\n*/5 * * * * /usr/bin/pep381run -q {home}\n@hourly root processlogs {home} /var/log/x\n"
        f"0 * * * * root bandersnatch -c /etc/b.conf mirror |& logger -t bandersnatch\n"
    )
    done = program.run("adopt", str(home), "--crontab", "crontab", "--write-config", "new.toml")
    assert done.returncode == 0, done.stderr
    assert f"Cron:    */5 * * * * bandersnatch -c {program.home}/new.toml mirror\n" in done.stdout
    assert "mirror |& logger -t bandersnatch\n" in done.stdout
    assert "it takes the place of: @hourly root processlogs" in done.stdout
    assert "Next:    bandersnatch -c new.toml mirror" in done.stdout
    assert program.run("-c", "new.toml", "config", "check").returncode == 0
    again = program.run("adopt", str(home), "--write-config", "new.toml")
    assert (again.returncode, "is there already" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("bandersnatch mirror", "mirror"),
        ("/opt/b/bin/bandersnatch -c /etc/b.conf mirror >/dev/null 2>&1", "mirror >/dev/null 2>&1"),
        ("bandersnatch mirror --force-check", "mirror --full"),
        ("bandersnatch --config /etc/mirror verify --delete", "verify --repair --garbage"),
        ("bandersnatch verify --delete --dry-run", "verify"),
        ("bandersnatch --debug verify --workers 4 --json-update", "verify --repair"),
        ("bandersnatch sync six idna", "mirror six idna"),
        ("bandersnatch delete six", "delete six --yes"),
        ("pep381run -q /srv/bandersnatch", "mirror"),
        ("bsn-mirror -c /etc/b.conf", "mirror"),
    ],
)
def test_cron(theirs: str, ours: str, program: Program) -> None:
    """Each command of the other tool becomes ours for the same thing, whatever stands before and behind it."""
    home = trees.pep381client(program.directory, program.upstream.index)
    lines = [
        f"@daily {theirs}",
        f"@daily root su m -c '{theirs}' ; echo bandersnatch",
        f"@daily true && {theirs}; {theirs}",
    ]
    (program.home / "crontab").write_text("".join(f"{line}\n" for line in lines))
    done = program.run("adopt", str(home), "--crontab", "crontab", "--write-config", "new.toml", "--dry-run")
    new = f"bandersnatch -c {program.home}/new.toml {ours}"
    assert [line.removeprefix("Cron:    ") for line in done.stdout.splitlines() if line.startswith("Cron:")] == [
        f"@daily {new}", f"@daily root su m -c '{new}' ; echo bandersnatch", f"@daily true && {new}; {new}",
    ]  # fmt: skip


def test_the_folder_that_was_named(program: Program) -> None:
    """A mirror is adopted where it is though the configuration names another folder, of which nothing is made."""
    theirs = trees.PyPA().make(program.home / "theirs", program.upstream.index)
    program.configure("[select]\neverything = true\n")
    done = program.run("adopt", str(theirs), "--write-config", "new.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{FILES} files kept where they are" in done.stdout
    assert not program.directory.exists()
    assert f'directory = "{theirs}"' in (program.home / "new.toml").read_text()
    done = program.run("adopt", str(theirs))
    assert f"warning: the configuration names {program.directory}, and {theirs} is adopted where it is" in done.stderr
    assert f"Next:    bandersnatch mirror --directory {theirs} " in done.stdout
    assert not program.directory.exists()
    done = program.run("adopt", str(theirs), "--directory", str(program.directory))
    assert f"{FILES} files taken to their places" in done.stdout


@pytest.mark.parametrize("make", [trees.shadowmire, trees.morgan, trees.devpi, trees.folder])
def test_suggested_configurations(make: trees.Make, program: Program) -> None:
    """What is suggested for each tool is a configuration without a mistake; morgan's requirements are in it."""
    make(program.home / "theirs", program.upstream.index)
    done = program.run("adopt", "theirs", "--directory", "mirror", "--write-config", "new.toml")
    assert done.returncode == 0, done.stderr
    checked = program.run("-c", "new.toml", "config", "show")
    assert checked.returncode == 0, checked.stderr
    assert (
        make is not trees.morgan or 'projects = ["alpha>=1.0", "gamma.dots"]' in (program.home / "new.toml").read_text()
    )


def test_gc_before_the_first_run(program: Program) -> None:
    """Until a run was clean, what was adopted is no garbage, and no page is: the other tool's may be served."""
    program.configure('[select]\nprojects = ["gamma"]\n')
    assert program.run("mirror").returncode == 0
    theirs = trees.PyPA().make(program.home / "theirs", program.upstream.index)
    assert program.run("adopt", str(theirs), "--directory", str(program.directory)).returncode == 0
    page, stray = program.directory / "web/simple/beta/index.html", f"packages/ab/cd/{'e' * 60}/stranger-9.0.tar.gz"
    trees.write(page, b"perhaps the other tool's")
    trees.write(program.directory / "web" / stray, b"nobody vouches for it")
    program.configure("[select]\neverything = true\n")
    shown = program.run("gc", "--dry-run", "--json")
    assert shown.returncode == 0, shown.stderr
    found = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [one["key"] for one in found[:-1]] == [stray]
    assert (found[-1]["adopted"], found[-1]["pages"], found[-1]["files"]) == (FILES - 2 + 1, 0, 1)
    done = program.run("gc", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"{FILES - 1} objects adopted, or perhaps served since: left alone" in done.stdout
    assert page.exists()
    assert program.run("verify", "--repair", "--garbage").returncode == 0
    assert program.upstream.count("/packages/*") == 2, "no file was fetched but those of the first run"
    trees.write(program.directory / "web/simple/nobody/index.html", b"nobody knows it")
    assert "1 object that nothing knows: deleted" in program.run("gc", "--yes").stdout
    assert program.run("verify", "--pages", "--hash", "--strict").stdout == "nothing was found\n"


def test_our_own(program: Program) -> None:
    """Of a mirror of our own nothing is called a leftover; vouchers that were cut off are none."""
    program.configure("[select]\neverything = true\n")
    assert program.run("mirror").returncode == 0
    (program.directory / "state/adopted.sqlite").touch()
    assert program.run("gc", "--yes").stdout == "there is nothing to take away\n"
    [plan, _] = program.run("adopt", str(program.directory), "--dry-run", "--json").stdout.splitlines()
    assert set(json.loads(plan)["counts"]) == {"page", "file", "companion"}


def test_the_whole_machine(program: Program) -> None:
    """The root folder is refused: the mirror lies in it."""
    done = program.run("adopt", "/", "--directory", str(program.directory), "--dry-run")
    assert done.returncode == 2
    assert "the mirror lies in it" in done.stderr

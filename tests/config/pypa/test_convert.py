"""``bandersnatch config convert``, and files of PyPA bandersnatch in use."""

from __future__ import annotations

import argparse
import io
import stat
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.cli import config, options
from bandersnatch.config import pypa
from bandersnatch.config.load import load
from bandersnatch.config.pypa.convert import render
from tests.config.helpers import SECRET
from tests.config.pypa.cases import CASES
from tests.config.pypa.helpers import ini
from tests.config.pypa.test_filters import METADATA, PLATFORMS, metadata, on
from tests.config.pypa.test_mirror import BECOMES, NOTED

COMMENTED = """\
; Where our mirror lives.
[mirror]
# The big disk.
directory = /srv/pypi
; Ten is polite.
workers = 10

; Nobody reads these.
json = false
; Says nothing.
verifiers = 3
[plugins]
; Only what we need.
enabled =
    allowlist_project
    ; no previews
    prerelease_release
[allowlist]
packages =
    # for everybody
    six
    idna

[s3]
; Not in use.
region_name = x
; The end.
"""

CONVERTED = """\
# Made from b.conf, a configuration of PyPA bandersnatch. All other keys have their defaults; every
# key with its documentation is in the file that this writes: bandersnatch config init FILE

[select]
# for everybody
projects = ["six", "idna"]

[releases]
# Only what we need.
# no previews
prereleases = false

[mirror]
# Where our mirror lives.
# The big disk.
directory = "/srv/pypi"

# Ten is polite.
# [mirror] workers: has no effect here: upstream.connections and upstream.streams say how many requests are under way \
at once

# Says nothing.
# [mirror] verifiers: left out, as it says nothing that needs saying here

# [s3] has no effect: storage-backend is another

# Not in use.
# [s3] region_name: left out, as it says nothing that needs saying here

[publish]
# Nobody reads these.
legacy-json = "none"

# The end.
"""


def run(*arguments: str) -> tuple[int, str]:
    """The exit code of ``config convert``, and what was printed to *out*."""
    parser = argparse.ArgumentParser()
    config.add_parser(parser.add_subparsers())
    args = parser.parse_args(["config", "convert", *arguments])
    out = io.StringIO()
    return args.run(args, out), out.getvalue()


def test_comments_stay_where_they_were() -> None:
    """Each comment stands before the key that says what its option said, or where that would be."""
    assert render(pypa.read(COMMENTED, "b.conf")) == CONVERTED


OPTIONS = st.lists(
    st.sampled_from(
        [
            f'; \u00fcber "{number}" \\\n{text}\n'
            for number, text in enumerate((*BECOMES, *NOTED))
            if not text.startswith("[")  # or the options behind it would be of that section
        ]
    ),
    max_size=4,
    unique_by=lambda text: text.splitlines()[1].partition(" ")[0],
).map("".join)
FILTERS = st.sampled_from(
    [
        *(case.ini for case in CASES.values() if "release-files" not in case.ini),
        *(metadata(text, "regex_release_file_metadata") for text in METADATA),
        *(on("exclude_platform") + f"[blocklist]\nplatforms = {word}\n" for word in PLATFORMS),
    ]
)
WHOLE = st.sampled_from([case.ini for case in CASES.values() if "release-files" in case.ini])


@given(st.tuples(OPTIONS, FILTERS.map(dedent)).map("".join) | WHOLE)
def test_converted_or_not_it_means_the_same(text: str) -> None:
    """The file that is written is loaded to the same configuration as the old one is."""
    with TemporaryDirectory() as folder:
        old, new = Path(folder, "old.conf"), Path(folder, "new.toml")
        old.write_text(ini(text), encoding="utf-8")
        assert run(str(old), str(new))[0] == 0
        assert load(new, {}).config == load(old, {}).config


def test_globs_of_requirement_files_stay_globs(tmp_path: Path) -> None:
    """A glob is written as one, whether or not there are files for it on that day."""
    old = tmp_path / "old.conf"
    text = (
        on("project_requirements_pinned")
        + f"[allowlist]\nrequirements_path = {tmp_path}\nrequirements =\n    r-*.txt\n"
    )
    old.write_text(ini(text))
    assert tomllib.loads(run(str(old))[1])["select"]["from-files"] == [f"{tmp_path}/r-*.txt"]
    assert load(old, {}).item_origins("select.from-files") == ((f"{tmp_path}/r-*.txt", str(old), 9),)


def test_it_is_printed_or_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a name, and for "-", it is printed; a file is written once and never overwritten."""
    old, new = tmp_path / "old.conf", tmp_path / "new.toml"
    old.write_text(COMMENTED)
    code, printed = run(str(old))
    assert (code, printed[printed.index("[select]") :]) == (0, CONVERTED[CONVERTED.index("[select]") :])
    assert run(str(old), "-") == (0, printed)
    assert f"{old}:6: [mirror] workers: has no effect here" in capsys.readouterr().err
    code, said = run(str(old), str(new))
    assert (code, new.read_text("utf-8")) == (0, printed)
    assert said == f"wrote {new}; look it over, then run: bandersnatch -c {new} mirror\n"
    assert run(str(old), str(new)) == (2, "")
    assert f"{new}: is there already; nothing was changed\n" in capsys.readouterr().err
    assert run(str(old), str(tmp_path / "no" / "new.toml")) == (2, "")
    assert "cannot be written" in capsys.readouterr().err
    assert old.read_text() == COMMENTED


def test_what_holds_a_secret_is_for_its_owner_only(tmp_path: Path) -> None:
    """A password in a proxy's address cannot be read by others afterwards, and no message shows it."""
    old, new = tmp_path / "old.conf", tmp_path / "new.toml"
    old.write_text(ini(f"proxy = http://me:{SECRET}@proxy.example.org:3128\n"))
    code, said = run(str(old), str(new))
    assert (code, SECRET in said) == (0, False)
    assert SECRET in new.read_text()
    assert stat.S_IMODE(new.stat().st_mode) == 0o600


def test_check_only_says_what_there_is_to_know(tmp_path: Path) -> None:
    """With --check nothing is written; problems, mistakes in values among them, have exit code 2."""
    old, new = tmp_path / "old.conf", tmp_path / "new.toml"
    old.write_text(COMMENTED)
    code, said = run("--check", str(old), str(new))
    assert (code, new.exists()) == (0, False)
    assert [line.split(": ")[1] for line in said.splitlines()] == ["[mirror] workers", "[s3]"]
    old.write_text("[mirror]\ndirectory = srv\nhash-index = true\ntimeout = 0\n")
    code, said = run("--check", str(old))
    assert code == 2
    assert [line.split(": ")[:2] for line in said.splitlines()] == [
        [f"{old}:2", "mirror.directory"], [f"{old}:3", "[mirror] hash-index"], [f"{old}:4", "upstream.timeout"],
    ]  # fmt: skip


def test_only_the_other_format_is_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of ours, and none at all, is a problem."""
    old = tmp_path / "b.conf"
    assert run(str(old)) == (2, "")
    assert "cannot be read" in capsys.readouterr().err
    old.write_text('[mirror]\ndirectory = "/srv/pypi"\n')
    assert run(str(old)) == (2, "")
    assert "this is no configuration of PyPA bandersnatch" in capsys.readouterr().err


@pytest.mark.parametrize("terminal", [True, False])
def test_notes_are_for_who_sits_at_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    """Whoever runs with the old file is told what has no effect; cron is not, as it would mail it after every run."""
    path = tmp_path / "b.conf"
    path.write_text(ini("workers = 10\n"))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    loaded = options.load(argparse.Namespace(config=str(path), directory=None))
    assert loaded.config.select.everything
    said = capsys.readouterr().err
    expected = f"bandersnatch: warning: {path}:3: [mirror] workers: has no effect here"
    assert said.startswith(expected) if terminal else not said


def test_check_of_a_file_in_use_tells_the_notes(tmp_path: Path) -> None:
    """``config check`` accepts the old file, and says what of it has no effect."""
    path = tmp_path / "b.conf"
    path.write_text(ini("workers = 10\n"))
    out = io.StringIO()
    assert config.run_check(argparse.Namespace(config=str(path)), out) == 0
    note, result = out.getvalue().splitlines()
    assert note.startswith(f"{path}:3: [mirror] workers: has no effect here")
    assert result == f"{path}: no problem found"


def test_values_know_their_lines(tmp_path: Path) -> None:
    """What is selected, and by which line of the old file, can be told."""
    path = tmp_path / "b.conf"
    path.write_text(COMMENTED)
    loaded = load(path, {})
    assert loaded.item_origins("select.projects") == (("six", str(path), 21), ("idna", str(path), 22))
    assert str(loaded.origins["releases.prereleases"]) == f"{path}:14"
    path.write_text(ini(""))
    assert str(load(path, {}).origins["select.everything"]) == f"{path}:1"

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bandersnatch.config import defaults, template
from bandersnatch.config.find import Outcome, Place, find, first_run
from bandersnatch.errors import UsageError


def test_the_command_line_names_the_file_before_the_environment_before_the_default(tmp_path: Path) -> None:
    """-c goes before BANDERSNATCH_CONFIG, which goes before the default; an empty variable is none."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.touch()
    two.touch()
    env = {"BANDERSNATCH_CONFIG": str(two)}
    assert find(str(one), env) == Place(one, named=True)
    assert find(None, env) == Place(two, named=True)
    assert find(None, {"BANDERSNATCH_CONFIG": ""}) == Place(defaults.FILE, named=False)
    assert find(None, {}) == Place(defaults.FILE, named=False)


def test_a_named_file_has_to_be_there(tmp_path: Path) -> None:
    """A slip in the file's name never makes the program go on with another file, or write one there."""
    missing = tmp_path / "mis sing"
    with pytest.raises(UsageError) as raised:
        find(str(missing), {})
    command = f"bandersnatch config init '{missing}'"
    assert str(raised.value) == f"{missing}: named by -c, but not there; write it with: {command}"
    with pytest.raises(UsageError, match="named by BANDERSNATCH_CONFIG, but not there"):
        find(None, {"BANDERSNATCH_CONFIG": str(missing)})
    assert not missing.exists()


def test_the_first_run_writes_the_commented_file(tmp_path: Path) -> None:
    """The file comes whole, and the message says what to do with it."""
    path = tmp_path / "b.conf"
    result = first_run(path)
    assert (result.path, result.outcome) == (path, Outcome.WRITTEN)
    assert result.message == f"wrote {path}; say under [select] what to mirror, then run: bandersnatch -c {path} mirror"
    assert path.read_text("utf-8") == template.render()


@pytest.mark.parametrize("link", [False, True])
def test_an_existing_file_is_never_overwritten(tmp_path: Path, link: bool) -> None:
    """What is there stays, even a link that leads nowhere."""
    path = tmp_path / "b.conf"
    path.symlink_to(tmp_path / "nowhere") if link else path.write_text("mine")
    result = first_run(path)
    assert (result.outcome, result.message) == (Outcome.EXISTS, f"{path} is there already; nothing was changed")
    assert not (tmp_path / "nowhere").exists()
    assert link or path.read_text() == "mine"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_where_nothing_may_be_written_the_command_that_works_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Without the right to write the default file, the message leads to one that can be written."""

    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    result = first_run(tmp_path / "b.conf")
    monkeypatch.undo()
    assert result.outcome is Outcome.FAILED
    assert result.message == (
        f"cannot write {tmp_path / 'b.conf'}: {os.strerror(number)}. Write it where you may, with: "
        "bandersnatch config init FILE, and then run: bandersnatch -c FILE mirror"
    )


def test_a_file_that_cannot_be_finished_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk leaves no half file behind, which the next run would take for the operator's."""

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    result = first_run(tmp_path / "b.conf")
    monkeypatch.undo()
    assert result.outcome is Outcome.FAILED
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing_is_not_made(tmp_path: Path) -> None:
    """A slip in the path makes no folders."""
    assert first_run(tmp_path / "no" / "b.conf").outcome is Outcome.FAILED
    assert list(tmp_path.iterdir()) == []

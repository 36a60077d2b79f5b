from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.testing import Index


def actions(index: Index) -> list[str]:
    """The actions of the journal, in order."""
    return [row.action for row in index.journal()]


def test_first_upload_writes_three_rows() -> None:
    """The journal tells project, release and file apart, in PyPI's words."""
    index = Index()
    index.upload("Foo.Bar", "1.0")
    assert actions(index) == ["create", "new release", "add py3 file foo_bar-1.0-py3-none-any.whl"]
    assert [(row.name, row.version, row.serial) for row in index.journal()] == [
        ("Foo.Bar", None, 1),
        ("Foo.Bar", "1.0", 2),
        ("Foo.Bar", "1.0", 3),
    ]
    index.upload("foo-bar", "1.0", "sdist")
    assert actions(index)[3:] == ["add source file foo_bar-1.0.tar.gz"]


CHANGES: list[tuple[Callable[[Index], object], str]] = [
    (lambda index: index.remove_file("foo-1-py3-none-any.whl"), "remove file foo-1-py3-none-any.whl"),
    (lambda index: index.remove_release("foo", "1"), "remove release"),
    (lambda index: index.remove_project("foo"), "remove project"),
    (lambda index: index.yank("foo", "1", "broken"), "yank release"),
    (lambda index: index.unyank("foo", "1"), "unyank release"),
    (lambda index: index.quarantine("foo"), "project quarantined"),
    (lambda index: index.clear_quarantine("foo"), "project quarantine cleared"),
    (lambda index: index.quarantine("foo", "1"), "release quarantined"),
    (lambda index: index.clear_quarantine("foo", "1"), "release quarantine cleared"),
    (lambda index: index.change_role("foo"), "add Maintainer someone"),
    (lambda index: index.create("bar"), "create"),
]


@pytest.mark.parametrize(("change", "action"), CHANGES, ids=[action for _, action in CHANGES])
def test_a_change_writes_one_row(change: Callable[[Index], object], action: str) -> None:
    """Every change moves the serial by one row with PyPI's action string."""
    index = Index()
    index.upload("foo", "1")
    before = index.serial
    change(index)
    assert [(row.action, row.serial) for row in index.journal(before)] == [(action, before + 1)]
    assert all(project.serial in (before, before + 1) for project in index.projects())


def test_creating_again_changes_nothing() -> None:
    """A project that is there is not made anew, however it is spelled."""
    index = Index()
    index.create("Foo.Bar")
    index.create("foo-bar")
    assert actions(index) == ["create"]


def test_archiving_moves_no_serial_but_the_date() -> None:
    """As on PyPI, archive and unarchive write no row; the page changes all the same."""
    index = Index()
    index.upload("foo", "1")
    before = index.project("foo")
    index.archive("foo")
    archived = index.project("foo")
    assert before
    assert archived
    assert (archived.status, archived.serial, index.serial) == ("archived", before.serial, before.serial)
    assert archived.modified > before.modified
    index.unarchive("foo")
    after = index.project("foo")
    assert after
    assert (after.status, after.serial) == ("active", before.serial)


def test_path_is_made_from_the_blake2_digest() -> None:
    """PyPI's path shape: two, two and sixty digits of the file's BLAKE2b-256."""
    file = Index().upload("foo", "1")
    digest = hashlib.blake2b(file.content, digest_size=32).hexdigest()
    assert file.path == f"/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{file.filename}"
    assert re.fullmatch(r"/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[^/]+", file.path)


def test_removed_files_stay_reachable() -> None:
    """PyPI never deletes a file's object: whoever has the URL gets it."""
    index = Index()
    file = index.upload("foo", "1")
    index.remove_project("foo")
    assert index.project("foo") is None
    assert index.file(file.path) == file


def test_old_states_are_remembered() -> None:
    """A project, and the list of all, can be had as of any serial."""
    index = Index()
    index.upload("foo", "1")
    first = index.serial
    index.upload("foo", "2")
    index.upload("bar", "1")
    index.remove_project("foo")
    then = index.project("foo", first)
    assert then is not None
    assert (then.versions, then.serial) == (("1",), first)
    assert [project.name for project in index.projects(first)] == ["foo"]
    assert [project.name for project in index.projects()] == ["bar"]
    assert index.projects(0) == ()


def test_display_name_follows_the_last_upload() -> None:
    """A project may be respelled by an upload; it stays the same project, and the journal keeps the old spelling."""
    index = Index()
    index.upload("Foo.Bar", "1")
    index.upload("foo_BAR", "2")
    [project] = index.projects()
    assert (project.name, project.display) == ("foo-bar", "foo_BAR")
    assert {row.name for row in index.journal()} == {"Foo.Bar", "foo_BAR"}


def test_a_filename_is_taken_only_once() -> None:
    """A listed file name cannot be uploaded again; once removed, an administrator could let other bytes in."""
    index = Index()
    old = index.upload("foo", "1")
    with pytest.raises(ValueError, match="listed already"):
        index.upload("foo", "1")
    index.remove_file(old.filename)
    new = index.upload("foo", "1", content=b"other")
    assert (new.filename, new.path == old.path) == (old.filename, False)


def test_upload_times_are_given_or_come_from_the_serial() -> None:
    """The default time is deterministic, a datetime is written as PEP 700 says, a string is taken to the letter."""
    times = [Index().upload("foo", "1").upload_time for _ in range(2)]
    assert times == ["2020-01-01T00:00:03.000000Z"] * 2
    when = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert Index().upload("foo", "1", upload_time=when).upload_time == "2026-01-02T03:04:05.000006Z"
    assert Index().upload("foo", "1", upload_time="2026-01-02T03:04:05Z").upload_time == "2026-01-02T03:04:05Z"


def test_versions_are_sorted_and_have_files() -> None:
    """PyPI lists the versions that have files, sorted, those of before PEP 440 first."""
    index = Index()
    for version in ("1.10", "1.9", "2004d", "1.0rc1"):
        index.upload("foo", version, "sdist")
    index.upload("foo", "3")
    index.remove_file("foo-3-py3-none-any.whl")
    project = index.project("foo")
    assert project is not None
    assert project.versions == ("2004d", "1.0rc1", "1.9", "1.10")


@pytest.mark.parametrize(
    "change",
    [
        lambda index: index.remove_file("foo-2.whl"),
        lambda index: index.remove_release("foo", "2"),
        lambda index: index.yank("foo", "2"),
        lambda index: index.remove_project("bar"),
        lambda index: index.archive("bar"),
    ],
)
def test_what_is_not_there_cannot_be_changed(change: Callable[[Index], object]) -> None:
    """A test that names the wrong thing hears of it, and the index stays as it was."""
    index = Index()
    index.upload("foo", "1")
    before = index.serial
    with pytest.raises(KeyError):
        change(index)
    assert index.serial == before


@given(st.lists(st.sampled_from(["upload", "remove", "yank", "quarantine", "clear", "archive"]), max_size=12))
def test_history_says_what_was_true(steps: list[str]) -> None:
    """Whatever happens, the state as of a serial is the state that was seen when that serial was the last."""
    index = Index()
    index.upload("foo", "0")
    seen = {index.serial: index.project("foo")}
    for number, step in enumerate(steps, 1):
        match step:
            case "upload":
                index.upload("foo", str(number))
            case _ if index.project("foo") is None:
                continue
            case "remove":
                index.remove_project("foo")
            case "quarantine":
                index.quarantine("foo")
            case "clear":
                index.clear_quarantine("foo")
            case "archive":
                index.archive("foo")
            case "yank" if (state := index.project("foo")) and state.releases:
                index.yank("foo", state.releases[0].version)
        seen[index.serial] = index.project("foo")
    assert {serial: index.project("foo", serial) for serial in seen} == seen
    assert [row.serial for row in index.journal()] == list(range(1, index.serial + 1))


def test_threads_can_share_an_index() -> None:
    """Uploads from several threads lose no row and no file."""
    index = Index()

    def upload(name: str) -> None:
        for version in range(20):
            index.upload("foo", f"{name}.{version}", content=f"{name} {version}".encode())

    threads = [Thread(target=upload, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    project = index.project("foo")
    assert project is not None
    assert (len(project.files), index.serial, len(index.journal())) == (80, 161, 161)

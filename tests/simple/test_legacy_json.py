"""PyPI's older JSON, rendered from what the mirror holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from bandersnatch import layout
from bandersnatch.model import Held
from bandersnatch.simple.legacy import first_metadata, render_project, render_version
from tests.simple.cases import BLAKE, UPLOADED, A, B, held, pages

METADATA = b"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\nSummary: A thing\nRequires-Python: >=3.7\n"


def root(one: Held) -> str:
    """A file's address on the mirror."""
    return "/" + layout.url_of(layout.file_key(one.file))


def metadata(one: Held) -> bytes | None:
    """Every wheel that has metadata has the same."""
    return METADATA if one.metadata else None


def project(*files: Held, versions: tuple[str, ...] = ()) -> Any:
    """The project's page, as its readers see it."""
    return json.loads(render_project("foo", "Foo", 7, files, metadata, root, versions))


SDIST = held("foo-1.0.tar.gz", upload_time=UPLOADED, requires_python=">=3.8")
WHEEL = held("foo-1.0-py2.py3-none-any.whl", metadata=B, url=f"https://x.example.org/packages/01/23/{BLAKE[4:]}/f")


def test_shape() -> None:
    """The keys are PyPI's, but for those that a mirror cannot know."""
    page = project(SDIST, WHEEL)
    assert page.keys() == {"info", "last_serial", "releases", "urls"}
    assert page["last_serial"] == 7
    assert list(page["releases"]) == ["1.0"]
    assert page["urls"] == page["releases"]["1.0"]
    assert (page["info"]["name"], page["info"]["version"], page["info"]["summary"]) == ("Foo", "1.0", "A thing")
    assert page["info"]["requires_python"] == ">=3.7"
    one = json.loads(render_version("foo", "Foo", "1.0", [SDIST, WHEEL], METADATA, root))
    assert one == {"info": page["info"], "urls": page["urls"]}


def test_variants() -> None:
    """What tells of a release's variants (PEP 817) is among the files, and nothing that could be built."""
    page = project(SDIST, held("foo-1.0-variants.json"))
    assert [file["packagetype"] for file in page["releases"]["1.0"]] == ["other", "sdist"]


def test_file() -> None:
    """Each file has PyPI's keys; times are split, not made up; digests are those that we know."""
    wheel, sdist = project(SDIST, WHEEL)["urls"]
    assert sdist == {
        "comment_text": None,
        "core-metadata": False,
        "digests": {"sha256": A},
        "downloads": -1,
        "filename": "foo-1.0.tar.gz",
        "has_sig": False,
        "packagetype": "sdist",
        "python_version": "source",
        "requires_python": ">=3.8",
        "size": 7,
        "upload_time": "2024-02-29T12:34:56",
        "upload_time_iso_8601": UPLOADED,
        "url": f"/packages/aa/aa/{A[4:]}/foo-1.0.tar.gz",
        "yanked": False,
        "yanked_reason": None,
    }
    assert wheel["digests"] == {"blake2b_256": BLAKE, "sha256": A}
    assert wheel["core-metadata"] == {"sha256": B}
    assert (wheel["upload_time"], wheel["upload_time_iso_8601"]) == (None, None)


@pytest.mark.parametrize(
    ("filename", "version", "kind", "python"),
    [
        ("foo-1.0.tar.gz", "1.0", "sdist", "source"),
        ("foo-2004d.zip", "2004d", "sdist", "source"),
        ("foo-1.0_1.tar.gz", "1.0_1", "sdist", "source"),
        ("foo-0.1.tgz", "0.1", "sdist", "source"),
        ("foo-1.0-py2.py3-none-any.whl", "1.0", "bdist_wheel", "py2.py3"),
        ("foo-1.0-1-cp311-cp311-win32.whl", "1.0", "bdist_wheel", "cp311"),
        ("foo-0.3-py2.4.egg", "0.3", "bdist_egg", "2.4"),
        ("foo-0.3-py2.7-linux-x86_64.egg", "0.3", "bdist_egg", "2.7"),
        ("foo-1.2.win32.exe", "1.2", "bdist_wininst", "any"),
        ("foo-1.2.win-amd64-py2.7.exe", "1.2", "bdist_wininst", "2.7"),
        ("foo-1.2.win32-py3.3.msi", "1.2", "bdist_msi", "3.3"),
        ("foo-1.2-1.noarch.rpm", "1.2", "bdist_rpm", "any"),
        ("foo-1.2-1.src.rpm", "1.2", "bdist_rpm", "any"),
        ("foo-1.2.linux-x86_64.tar.gz", "1.2", "bdist_dumb", "any"),
        ("foo-1.2.macosx-10.9-x86_64.tar.gz", "1.2", "bdist_dumb", "any"),
    ],
)
def test_kinds(filename: str, version: str, kind: str, python: str) -> None:
    """Every kind of file that PyPI ever took belongs to its release, with its type and Python."""
    (file,) = project(held(filename))["releases"][version]
    assert (file["packagetype"], file["python_version"]) == (kind, python)


@pytest.mark.parametrize(
    ("files", "latest"),
    [
        (["foo-1.9.tar.gz", "foo-1.10.tar.gz"], "1.10"),
        (["foo-1.0.tar.gz", "foo-2.0rc1.tar.gz"], "1.0"),
        (["foo-1.0rc1.tar.gz", "foo-1.0.dev1.tar.gz"], "1.0rc1"),
        (["foo-0.1.tar.gz", "foo-2004d.zip"], "0.1"),
        (["foo-1.0.tar.gz", "yanked foo-2.0.tar.gz"], "1.0"),
        (["foo-1.0rc1.tar.gz", "yanked foo-2.0.tar.gz"], "1.0rc1"),
        (["yanked foo-1.0.tar.gz", "yanked foo-2.0.tar.gz"], "2.0"),
        (["foo-1.0.tar.gz", "yanked foo-1.0.zip"], "1.0"),
    ],
)
def test_latest(files: list[str], latest: str) -> None:
    """The latest release is the newest final one that is not yanked, else the next best."""
    page = project(*(held(name.removeprefix("yanked "), yanked="y" if " " in name else None) for name in files))
    assert page["info"]["version"] == latest
    assert page["urls"] == page["releases"][latest]


def test_yanked_release() -> None:
    """A release is yanked when all of its files are, with the reason."""
    page = project(held("foo-1.0.tar.gz", yanked=""), held("foo-1.0.zip", yanked="bad"))
    assert (page["info"]["yanked"], page["info"]["yanked_reason"]) == (True, "bad")
    assert [file["yanked_reason"] for file in page["urls"]] == [None, "bad"]
    half = project(held("foo-1.0.tar.gz"), held("foo-1.0.zip", yanked="bad"))
    assert (half["info"]["yanked"], half["info"]["yanked_reason"]) == (False, None)


def test_releases() -> None:
    """Releases stand in their order, one for equal versions, spelled as upstream does; odd names are in none."""
    files = [held(name) for name in ("foo-1.0.0.zip", "foo-1.0.tar.gz", "foo-0.9.zip", "foo-2004d.zip", "bar-1.zip")]
    assert list(project(*files)["releases"]) == ["2004d", "0.9", "1.0.0"]
    spelled = project(*files, versions=("1.0", "1.0.0", "0.9.0", "../x"))["releases"]
    assert {version: len(held_there) for version, held_there in spelled.items()} == {"2004d": 1, "0.9.0": 1, "1.0": 2}


def test_without_metadata() -> None:
    """Where no metadata is held, the page says what the files say."""
    page = project(SDIST)
    assert (page["info"]["summary"], page["info"]["requires_python"]) == ("", ">=3.8")


def test_first_metadata() -> None:
    """The first wheel that has metadata speaks for the release; one that cannot be read leaves it to the next."""
    other = held("foo-1.0-py3-none-any.whl", metadata=B)
    assert first_metadata([SDIST, WHEEL, other], lambda one: METADATA if one is other else None) == METADATA
    assert first_metadata([SDIST], metadata) is None


def test_no_release() -> None:
    """A project without a release has no such page."""
    with pytest.raises(ValueError, match="empty"):
        render_project("foo", "Foo", 7, [], metadata, root)


@given(pages)
def test_byte_stable(page: list[Held]) -> None:
    """The same files make the same bytes, in whatever order they are given."""
    if not any(one.file.filename.startswith("foo-") for one in page):
        page = [*page, SDIST]
    first = render_project("foo", "Foo", 7, page, metadata, root)
    assert render_project("foo", "Foo", 7, page[::-1], metadata, root) == first
    assert {file["filename"] for release in json.loads(first)["releases"].values() for file in release} <= {
        one.file.filename for one in page
    }

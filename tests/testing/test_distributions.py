from __future__ import annotations

import base64
import email
import hashlib
import io
import tarfile
import zipfile
from csv import reader

import pytest
from packaging.utils import parse_sdist_filename, parse_wheel_filename

from bandersnatch.testing.distributions import KINDS, Build, kind_of

BUILD = Build("Foo.Bar", "1.0", requires_python=">=3.11", requires_dist=("bar>1", "baz"), summary="Sums up")


@pytest.mark.parametrize("kind", KINDS)
def test_same_arguments_give_the_same_bytes(kind: str) -> None:
    """Files are deterministic, whatever their kind."""
    assert KINDS[kind].make(BUILD) == KINDS[kind].make(BUILD)
    assert KINDS[kind].make(BUILD) != KINDS[kind].make(Build("Foo.Bar", "1.1"))


@pytest.mark.parametrize("kind", KINDS)
def test_padding_makes_a_file_larger(kind: str) -> None:
    """A padded file is larger by the padding and what the archive adds, which is little."""
    plain, padded = KINDS[kind].make(Build("foo", "1")), KINDS[kind].make(Build("foo", "1", padding=100_000))
    assert 100_000 <= len(padded) - len(plain) < 112_000


@pytest.mark.parametrize("kind", KINDS)
def test_filenames_tell_their_kind(kind: str) -> None:
    """The ending of a file name tells the kind again, but for dumb archives, which look like sdists."""
    assert kind_of(KINDS[kind].filename(BUILD)) == ("sdist" if kind == "dumb" else kind)


def test_wheel_has_the_record_that_the_format_wants() -> None:
    """PEP 427: RECORD has the SHA-256 and size of every member but itself."""
    archive = zipfile.ZipFile(io.BytesIO(KINDS["wheel"].make(BUILD)))
    record = archive.read("foo_bar-1.0.dist-info/RECORD").decode().splitlines()
    rows = {name: (digest, size) for name, digest, size in reader(record)}
    assert rows.keys() == set(archive.namelist())
    assert rows.pop("foo_bar-1.0.dist-info/RECORD") == ("", "")
    for name, (digest, size) in rows.items():
        content = archive.read(name)
        expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        assert (digest, size) == (f"sha256={expected}", str(len(content)))


def test_wheel_names_every_tag_of_a_compressed_set() -> None:
    """PEP 425: a dot in a tag of the file name stands for several tags."""
    build = Build("foo", "1", python="py2.py3", platform="win32.win_amd64")
    name, version, _, tags = parse_wheel_filename(KINDS["wheel"].filename(build))
    wheel_file = zipfile.ZipFile(io.BytesIO(KINDS["wheel"].make(build))).read("foo-1.dist-info/WHEEL").decode()
    assert (name, str(version)) == ("foo", "1")
    assert {line[5:] for line in wheel_file.splitlines() if line.startswith("Tag: ")} == {str(tag) for tag in tags}


def test_metadata_says_what_was_asked_for() -> None:
    """Core metadata carries name, version, summary, Requires-Python and each Requires-Dist."""
    metadata = email.message_from_bytes(BUILD.metadata)
    assert (metadata["Name"], metadata["Version"], metadata["Summary"]) == ("Foo.Bar", "1.0", "Sums up")
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata.get_all("Requires-Dist") == ["bar>1", "baz"]


def test_sdist_has_one_folder_with_pkg_info() -> None:
    """PEP 625 and the sdist format: everything lies in {name}-{version}, PKG-INFO among it."""
    assert parse_sdist_filename(KINDS["sdist"].filename(BUILD))[0] == "foo-bar"
    with tarfile.open(fileobj=io.BytesIO(KINDS["sdist"].make(BUILD))) as archive:
        assert {name.split("/")[0] for name in archive.getnames()} == {"foo_bar-1.0"}
        info = archive.extractfile("foo_bar-1.0/PKG-INFO")
        assert info is not None
        assert info.read() == BUILD.metadata

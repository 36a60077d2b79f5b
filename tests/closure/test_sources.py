from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.closure import sources
from bandersnatch.closure.sources import DEFAULT_BUILD, Source
from bandersnatch.errors import BadContent
from tests.closure.archives import tar, zipped

PROJECT = b'[build-system]\nrequires = ["tool>=2"]\n'


@pytest.mark.parametrize("ending", [".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip"])
def test_every_kind_of_archive(ending: str) -> None:
    """Both descriptions are read out of every kind of archive, from its root only."""
    members = {
        "a-1/sub/PKG-INFO": b"not this",
        "a-1/a.egg-info/PKG-INFO": b"nor this",
        "a-1/PKG-INFO": b"Name: a",
        "a-1/pyproject.toml": PROJECT,
    }
    modes = {".tar.gz": "gz", ".tgz": "gz", ".tar.bz2": "bz2", ".tar.xz": "xz"}
    content = zipped(members) if ending == ".zip" else tar(members, modes[ending])
    assert sources.is_source(f"a-1{ending}")
    assert sources.read(f"a-1{ending}", content) == Source(b"Name: a", PROJECT)


@pytest.mark.parametrize(
    ("project", "requires"),
    [
        (PROJECT, ("tool>=2",)),
        (b"", DEFAULT_BUILD),
        (b"[tool.other]\nkey = 1\n", DEFAULT_BUILD),
        (b"[build-system]\nrequires = []\n", ()),
    ],
)
def test_build_requirements(project: bytes, requires: tuple[str, ...]) -> None:
    """What stands in [build-system], and setuptools where nothing does (PEP 518)."""
    assert Source(b"", project).build_requires == requires


@pytest.mark.parametrize(
    "project",
    [b"\xff", b"[", b"build-system = 1", b"[build-system]\nrequires = 'x'", b"[build-system]\nrequires = [1]",
     b"[build-system]\nbuild-backend = 'x'", b"a." * 100_000 + b"a = 1"],
)  # fmt: skip
def test_build_requirements_that_cannot_be_read(project: bytes) -> None:
    """A pyproject.toml that installers refuse is refused."""
    with pytest.raises(BadContent):
        _ = Source(b"", project).build_requires


@pytest.mark.parametrize(
    ("metadata", "requires"),
    [
        (b"Metadata-Version: 2.2\nRequires-Dist: a\nRequires-Dist: b; extra == 'x'\n", ("a", "b; extra == 'x'")),
        (b"Metadata-Version: 2.4\n", ()),
        (b"Metadata-Version: 2.1\nRequires-Dist: a\n", None),
        (b"Metadata-Version: 2.2\nDynamic: Requires-Dist\n", None),
        (b"Metadata-Version: 2.2\nDynamic: License\n", ()),
        (b"Metadata-Version: soon\n", None),
        (b"", None),
    ],
)
def test_what_is_certain_without_a_build(metadata: bytes, requires: tuple[str, ...] | None) -> None:
    """Requires-Dist counts from metadata 2.2 on, unless it is dynamic (PEP 643)."""
    assert Source(metadata, b"").requires == requires


def bomb(size: int, kind: bytes) -> bytes:
    """A tar whose first header announces *size* bytes of *kind*, all zeros."""
    header = tarfile.TarInfo("a-1/large")
    header.size = size
    header.type = kind
    return gzip.compress(header.tobuf() + bytes(1 << 16))


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("a-1.tar.gz", b""),
        ("a-1.tar.gz", b"nonsense"),
        ("a-1.tar.gz", tar({"a-1/PKG-INFO": b"x"})[:40]),
        ("a-1.tar.gz", tar({"a-1/setup.py": b"x"})),
        ("a-1.zip", zipped({"a-1/PKG-INFO": b"x"})[:-30]),
        ("a-1.tar.bz2", tar({"a-1/PKG-INFO": b"x"}, "gz")),
        ("a-1.tar.gz", bomb(1 << 40, tarfile.REGTYPE)),
        ("a-1.tar.gz", bomb(1 << 34, tarfile.XHDTYPE)),
        ("a-1.tar.gz", bomb(1 << 34, tarfile.GNUTYPE_LONGNAME)),
        ("a-1.tar.gz", tar({"a-1/PKG-INFO": bytes(sources.MAX_MEMBER + 1)})),
        ("a-1.zip", zipped({"a-1/PKG-INFO": bytes(sources.MAX_MEMBER + 1)})),
    ],
)
def test_archives_that_are_refused(filename: str, content: bytes) -> None:
    """What is broken, empty or made to fill the memory raises BadContent."""
    with pytest.raises(BadContent):
        sources.read(filename, content)


def test_links_are_not_followed() -> None:
    """A member that is a link has no content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("a-1/PKG-INFO")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(member)
    with pytest.raises(BadContent):
        sources.read("a-1.tar.gz", packed.getvalue())


@given(st.binary(max_size=2000), st.sampled_from(["a.tar.gz", "a.zip", "a.tar.bz2", "a.tar.xz"]), st.integers(0, 1500))
def test_damage_is_never_another_error(data: bytes, filename: str, place: int) -> None:
    """Whatever the bytes are, there is an answer or BadContent."""
    modes = {"a.tar.gz": "gz", "a.tar.bz2": "bz2", "a.tar.xz": "xz"}
    members = {"a-1/PKG-INFO": b"Name: a\n" * 50}
    good = zipped(members) if filename == "a.zip" else tar(members, modes[filename])
    for content in (data, good[:place] + data[:3] + good[place + 3 :]):
        try:
            sources.read(filename, content)
        except BadContent:
            continue

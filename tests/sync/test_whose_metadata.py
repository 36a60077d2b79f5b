"""Core metadata belongs to the bytes of a file: it is checked against them, and no other project's page changes it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from bandersnatch.testing import Body, UploadedFile
from tests.sync.conftest import World

WHEEL = "alpha-1.0-py3-none-any.whl"
METADATA = "*.metadata"


def page(world: World, project: str, *files: dict[str, Any]) -> None:
    """Let the project's page list these files."""
    body = {"meta": {"api-version": "1.1", "_last-serial": 5}, "name": project, "files": list(files), "versions": []}
    world.upstream.fault(f"/simple/{project}/", Body(json.dumps(body).encode()), times=None)


def entry(world: World, file: UploadedFile, metadata: bytes | None) -> dict[str, Any]:
    """An entry of *file*, with *metadata* beside it."""
    return {
        "filename": file.filename,
        "url": world.upstream.url_of(file),
        "hashes": {"sha256": file.sha256},
        "size": file.size,
        "core-metadata": {"sha256": sha256(metadata)} if metadata is not None else False,
    }


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def stored(world: World) -> bytes:
    """What lies beside the one wheel."""
    [path] = world.web.rglob(METADATA)
    return path.read_bytes()


@pytest.fixture
def wheel(world: World) -> UploadedFile:
    return world.index.upload("alpha", "1.0", requires_dist=["gamma"])


@pytest.mark.parametrize("order", [("alpha", "beta"), ("beta", "alpha")], ids=str)
@pytest.mark.parametrize("other", [b"Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\nRequires-Dist: evil\n", b""])
def test_two_projects(world: World, wheel: UploadedFile, order: tuple[str, ...], other: bytes) -> None:
    """Another project that lists the same wheel with other metadata changes nothing of what lies beside it."""
    assert wheel.metadata is not None
    page(world, "alpha", entry(world, wheel, wheel.metadata))
    page(world, "beta", entry(world, wheel, other))
    world.upstream.fault(METADATA, Body(other), times=None)
    for number in range(2):
        for name in order[: number + 1]:
            assert world.run(*order[: number + 1], full=name == order[0]).outcome == "clean"
    assert stored(world) == wheel.metadata
    assert world.page("alpha")["files"][0]["core-metadata"] == {"sha256": wheel.metadata_sha256}
    assert world.page("beta")["files"][0]["core-metadata"] is False
    world.check()


@pytest.mark.parametrize(
    "other",
    [
        b"Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\nRequires-Dist: evil\n",
        b"Metadata-Version: 2.1\nName: beta\nVersion: 1.0\nRequires-Dist: gamma\n",
        b"Metadata-Version: 2.1\nName: alpha\nVersion: 2.0\nRequires-Dist: gamma\n",
        b"\x00",
    ],
)
def test_not_of_this_wheel(world: World, wheel: UploadedFile, other: bytes) -> None:
    """Metadata that upstream advertises and that contradicts the wheel is not published: the wheel's own is."""
    page(world, "alpha", entry(world, wheel, other))
    world.upstream.fault(METADATA, Body(other), times=None)
    assert world.run("alpha").outcome == "clean"
    assert stored(world) == wheel.metadata
    world.check()


def test_signed_anew(world: World, wheel: UploadedFile) -> None:
    """Metadata that says the same of the wheel in other bytes is published as upstream has it, and stays."""
    assert wheel.metadata is not None
    head, _, rest = wheel.metadata.partition(b"\n")
    other = head + b"\nKeywords: signed\n" + rest
    page(world, "alpha", entry(world, wheel, other))
    world.upstream.fault(METADATA, Body(other), times=None)
    assert world.run("alpha").outcome == "clean"
    assert stored(world) == other
    assert world.run("alpha", full=True).outcome == "clean"
    assert world.upstream.count(METADATA) == 0
    assert stored(world) == other
    world.check()


def test_named_as_metadata(world: World, wheel: UploadedFile) -> None:
    """A file that is named as what lies beside another is none, whatever its digest: it takes the place of nothing."""
    good = entry(world, wheel, wheel.metadata)
    page(world, "alpha", good, good | {"filename": f"{WHEEL}.metadata", "core-metadata": False})
    assert world.run("alpha").outcome == "clean"
    assert world.filenames("alpha") == [WHEEL]
    assert stored(world) == wheel.metadata
    world.check()

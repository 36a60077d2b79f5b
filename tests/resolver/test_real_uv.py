"""uv itself, against an index on this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bandersnatch.errors import Conflict, UpstreamError
from bandersnatch.resolver import uv
from bandersnatch.resolver.base import Index, Target
from bandersnatch.resolver.uv import UvResolver
from bandersnatch.testing import Status, UpstreamServer

pytestmark = pytest.mark.peers

LINUX = Target("3.12", "x86_64-manylinux_2_28")
WINDOWS = Target("3.12", "x86_64-pc-windows-msvc")


@pytest.fixture
def upstream() -> Iterator[UpstreamServer]:
    with UpstreamServer() as server:
        yield server


def resolve(
    upstream: UpstreamServer, *requirements: str, target: Target = LINUX, cache: Path | None = None, **options: Any
) -> list[str]:
    resolver = UvResolver(uv.find(os.environ), {"PATH": os.defpath}, cache=cache)
    index = Index(f"{upstream.url}/simple/", **options.pop("access", {}))
    return [str(pin) for pin in asyncio.run(resolver.resolve(requirements, target, index, **options))]


def test_extras_and_markers(upstream: UpstreamServer) -> None:
    """What is needed depends on the extras that are asked for, and on the platform."""
    upstream.index.upload("a", "1.0", requires_dist=["b[x]>=1", "w; sys_platform == 'win32'"])
    metadata = b"Metadata-Version: 2.1\nName: b\nVersion: 1.0\nProvides-Extra: x\nRequires-Dist: c; extra == 'x'\n"
    upstream.index.upload("b", "1.0", content=wheel("b", metadata), core_metadata=False)
    for name in ("c", "w"):
        upstream.index.upload(name, "1.0")
    assert resolve(upstream, "a") == ["a==1.0", "b==1.0", "c==1.0"]
    assert resolve(upstream, "a", target=WINDOWS) == ["a==1.0", "b==1.0", "c==1.0", "w==1.0"]
    assert resolve(upstream, "b") == ["b==1.0"]


def wheel(name: str, metadata: bytes) -> bytes:
    from tests.closure.archives import zipped

    info = f"{name}-1.0.dist-info"
    return zipped({
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    })  # fmt: skip


def test_wheels_and_pythons(upstream: UpstreamServer) -> None:
    """A version counts where one of its wheels suits the platform and the Python."""
    upstream.index.upload("a", "1.0")
    upstream.index.upload("a", "2.0", platform="win_amd64")
    upstream.index.upload("a", "3.0", requires_python=">=3.13")
    assert resolve(upstream, "a") == ["a==1.0"]
    assert resolve(upstream, "a", target=WINDOWS) == ["a==2.0"]
    assert resolve(upstream, "a", target=Target("3.13", LINUX.platform)) == ["a==3.0"]


def test_constraints_and_a_date_line(upstream: UpstreamServer) -> None:
    """Constraints narrow what is chosen, and so does the time of upload."""
    for year in (1, 2, 3):
        upstream.index.upload("a", f"{year}.0", upload_time=f"200{year}-01-01T00:00:00.000000Z")
    assert resolve(upstream, "a", constraints=["a<3", "b==9"]) == ["a==2.0"]
    assert resolve(upstream, "a", exclude_newer="2001-06-01T00:00:00Z") == ["a==1.0"]


@pytest.mark.parametrize("requirement", ["a>=2", "absent", "needy", "sourced"])
def test_conflicts(upstream: UpstreamServer, requirement: str) -> None:
    """What cannot be satisfied is a conflict that names the project."""
    upstream.index.upload("a", "1.0")
    upstream.index.upload("needy", "1.0", requires_dist=["a>3"])
    upstream.index.upload("sourced", "1.0", "sdist")
    with pytest.raises(Conflict, match=requirement.partition(">")[0]):
        resolve(upstream, requirement)


def test_sources_where_they_may_be_built(upstream: UpstreamServer) -> None:
    """With leave to build, a project without wheels is resolved too."""
    upstream.index.upload("a", "1.0", "sdist", requires_dist=["b"])
    upstream.index.upload("b", "1.0")
    assert resolve(upstream, "a", build=True) == ["a==1.0", "b==1.0"]


def test_an_index_that_fails(upstream: UpstreamServer) -> None:
    """An index that does not answer is no conflict."""
    upstream.index.upload("a", "1.0")
    upstream.fault("/simple/a/", Status(403), times=None)
    with pytest.raises((UpstreamError, Conflict)):
        resolve(upstream, "a")
    upstream.clear_faults()
    upstream.fault("*.metadata", Status(404), times=None)
    with pytest.raises(UpstreamError, match="404"):
        resolve(upstream, "a")


def test_only_a_cache_of_our_own(upstream: UpstreamServer, tmp_path: Path) -> None:
    """Without a cache everything is asked for again; with one, files go there and nowhere else."""
    upstream.index.upload("a", "1.0")
    for _ in range(2):
        resolve(upstream, "a")
    assert upstream.count("*.metadata") == 2
    for _ in range(2):
        resolve(upstream, "a", cache=tmp_path / "cache")
    assert upstream.count("*.metadata") == 3
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_credentials_are_sent(upstream: UpstreamServer) -> None:
    """User and password reach the index, and no message."""
    access = {"user": "me", "password": "s3cret"}
    upstream.index.upload("a", "1.0")
    assert resolve(upstream, "a", access=access) == ["a==1.0"]
    assert any("authorization" in request.headers for request in upstream.requests)
    with pytest.raises(Conflict) as error:
        resolve(upstream, "absent", access=access)
    assert "s3cret" not in str(error.value)

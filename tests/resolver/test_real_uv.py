"""uv itself, against an index on this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest

from bandersnatch.errors import Conflict
from bandersnatch.resolver import uv
from bandersnatch.resolver.base import Target
from bandersnatch.resolver.uv import UvResolver
from bandersnatch.testing import UpstreamServer

pytestmark = pytest.mark.peers

LINUX = Target("3.12", "x86_64-manylinux_2_28")
WINDOWS = Target("3.12", "x86_64-pc-windows-msvc")


@pytest.fixture
def upstream() -> Iterator[UpstreamServer]:
    with UpstreamServer() as server:
        yield server


def resolve(upstream: UpstreamServer, *requirements: str, target: Target = LINUX, **options: Any) -> list[str]:
    resolver = UvResolver(uv.find(os.environ), {"PATH": os.defpath})
    return [
        str(pin) for pin in asyncio.run(resolver.resolve(requirements, target, f"{upstream.url}/simple/", **options))
    ]


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


def test_constraints(upstream: UpstreamServer) -> None:
    """Constraints narrow what is chosen, and want nothing themselves."""
    for version in ("1.0", "2.0", "3.0"):
        upstream.index.upload("a", version)
    assert resolve(upstream, "a", constraints=["a<3", "b==9"]) == ["a==2.0"]


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

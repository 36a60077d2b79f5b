"""From requirements to a proof: the closure of an index is mirrored, and the mirror alone suffices."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from bandersnatch.closure.base import Closure, Locked, Newest, Policy
from bandersnatch.closure.find import find
from bandersnatch.closure.locked import Question
from bandersnatch.closure.shelf import Shelf
from bandersnatch.resolver import uv
from bandersnatch.resolver.uv import UvResolver
from bandersnatch.testing import UpstreamServer
from bandersnatch.upstream.client import Client
from bandersnatch.upstream.index import IndexUpstream
from bandersnatch.upstream.settings import Settings
from tests.closure.places import LINUX, WINDOWS
from tests.peers import programs

pytestmark = pytest.mark.peers

ENVIRONMENTS = """
[environments.linux]
python = ["3.12"]
platforms = ["manylinux_2_28_x86_64"]
[environments.windows]
python = ["3.12"]
platforms = ["win_amd64"]
"""


def fill(upstream: UpstreamServer) -> None:
    """An application with needs by platform, by version, in a circle and too new to be used."""
    index = upstream.index
    index.upload("app", "1.0", requires_dist=["web>=1", "colour; sys_platform == 'win32'"])
    for version in ("0.9", "1.0", "1.1"):
        index.upload("web", version, requires_dist=[f"core=={version}", "app"])
        index.upload("core", version)
    for platform in ("win_amd64", "manylinux_2_17_x86_64"):
        index.upload("colour", "1.0", platform=platform)
    index.upload("colour", "2.0", requires_python=">=3.13")
    index.upload("stranger", "1.0")


def closure(upstream: UpstreamServer, policy: Policy) -> Closure:
    async def found() -> Closure:
        settings = Settings(upstream.url, "tests", tries=1)
        reader = IndexUpstream(settings, Client(settings))
        resolver = UvResolver(uv.find(os.environ), {"PATH": os.defpath})
        try:
            return await find(["app"], [LINUX, WINDOWS], policy, Shelf(reader), Question(resolver))
        finally:
            await reader.close()

    return asyncio.run(found())


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Locked(), ["app==1.0", "colour==1.0", "core==1.1", "web==1.1"]),
        (Newest(2), ["app==1.0", "colour==1.0", "core==1.0", "core==1.1", "web==1.0", "web==1.1"]),
    ],
)
def test_a_closure_is_mirrored_and_proved(tmp_path: Path, policy: Policy, expected: list[str]) -> None:
    """The closure is what uv would install, or more; a mirror of nothing else is proved for every environment."""
    with UpstreamServer() as upstream:
        fill(upstream)
        found = closure(upstream, policy)
        assert [item.requirement for item in found.items] == expected
        assert found.unknown == ()
        configuration = tmp_path / "bandersnatch.conf"
        configuration.write_text(
            f'[mirror]\ndirectory = "{tmp_path}/mirror"\nupstream = "{upstream.url}"\nreserve = "0"\n'
            f"[select]\nprojects = {json.dumps([item.requirement for item in found.items])}\n{ENVIRONMENTS}"
        )
        run = [programs.find("bandersnatch"), "-c", str(configuration)]
        environment = programs.environment(tmp_path)
        mirrored = programs.run([*run, "mirror", "-q"], tmp_path, environment)
        assert mirrored.returncode == 0, mirrored.stderr
    proof = programs.run([*run, "prove", "app", "--hash"], tmp_path, environment)
    assert proof.returncode == 0, proof.stdout + proof.stderr

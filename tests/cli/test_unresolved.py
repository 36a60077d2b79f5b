"""Needs that cannot be met are named wherever an operator looks, keep nothing else back, and are never called clean."""

from __future__ import annotations

import json

import pytest

from bandersnatch.testing import Redirect, Status
from tests.cli.conftest import Program

pytestmark = pytest.mark.peers

SELECT = '[select]\nprojects = ["app", "other"]\ndependencies = true\n'
POLICIES = ["locked", "newest 2", "ranges"]


@pytest.fixture(autouse=True)
def _app(program: Program) -> None:
    """An application that needs two libraries, and something beside it."""
    index = program.upstream.index
    index.upload("app", "1.0", requires_dist=["lib", "deep"])
    for name in ("deep", "other"):
        index.upload(name, "1.0")


def published(program: Program) -> set[str]:
    return {path.parent.name for path in program.directory.glob("web/simple/*/index.v1_json")}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_dependency_that_is_not_there(program: Program, policy: str, elsewhere: bool) -> None:
    """Without a dependency, not found or redirected away, all else is mirrored, and each command ends with 1."""
    program.configure(f'{SELECT}dependency-versions = "{policy}"\n')
    if elsewhere:
        program.upstream.fault("/simple/lib/", Redirect("http://127.0.0.2:9/simple/lib/"), times=None)
    plan = program.run("plan")
    assert plan.returncode == 1
    for command in (["mirror"], ["mirror", "--full"], ["mirror"]):
        run = program.run(*command)
        assert run.returncode == 1, run.stderr
        assert published(program) == {"app", "deep", "other"}
        status = program.run("status")
        assert status.returncode == 1
        for said in (plan.stdout, status.stdout):
            assert "lib" in said, said
    program.upstream.fault("/simple/other/", Status(404), times=None)
    assert program.run("mirror", "--full").returncode == 1
    assert "lib" in program.run("status").stdout  # beside what is behind for other reasons
    assert json.loads(program.run("status", "--json").stdout)["outcome"] == "behind"


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_leaves(program: Program, policy: str) -> None:
    """What an earlier closure brought stays while a new one cannot be resolved, and is called clean again after it."""
    program.configure(f'{SELECT}dependency-versions = "{policy}"\n')
    index = program.upstream.index
    index.upload("lib", "1.0", requires_dist=["deeper"])
    index.upload("deeper", "1.0")
    assert program.run("mirror").returncode == 0
    index.upload("app", "1.1", requires_dist=["lib>=2", "deep"])
    index.yank("app", "1.0")
    run = program.run("mirror", "--full")
    assert (run.returncode, "lib" in run.stderr) == (1, True)
    assert published(program) == {"app", "deep", "deeper", "lib", "other"}
    assert program.run("status").returncode == 1
    index.upload("lib", "2.0")
    assert program.run("mirror", "--full", "--accept-removals").returncode == 0
    assert program.run("status").returncode == 0


def test_the_command_line_alone(program: Program) -> None:
    """What the command line asks for and nobody has is named with the place it is for, and the run ends with 1."""
    place = ("--directory", str(program.directory), "--upstream", program.upstream.url)
    run = program.run("mirror", *place, "--with-dependencies", "other==999", "deep")
    assert run.returncode == 1
    assert "other==999: " in run.stdout
    assert "Python 3" in run.stdout
    assert published(program) == {"deep"}
    assert program.run("status", "--directory", str(program.directory)).returncode == 1


def test_a_line_of_a_file(program: Program) -> None:
    """What cannot be resolved of a file of requirements is named with file and line, also by ``status``."""
    path = program.home / "requirements.txt"
    path.write_text("other\napp>=1\n")
    program.configure('[select]\nfrom-files = ["requirements.txt"]\ndependencies = true\n')
    assert program.run("mirror").returncode == 1
    assert f"{path}:2: app>=1: " in program.run("status").stdout

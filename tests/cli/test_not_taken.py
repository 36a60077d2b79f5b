"""What upstream lists and is not taken is named wherever an operator looks, and is never called clean by mistake."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bandersnatch.testing import Behaviour, Body
from tests.cli.conftest import Program

NAMED = '[select]\nprojects = ["solo", "beta"]\n'
PLAIN = Behaviour(flat_files=True, hashes=(), serials="none", changelog=False, core_metadata=False)
"""An index that keeps its files in a folder, and states no digest."""
GOOD, BAD = "solo-1.0-py3-none-any.whl", "solo-2.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def _solo(program: Program) -> None:
    """One more project, of one file."""
    program.upstream.index.upload("solo", "1.0")


def page(program: Program, *files: dict[str, Any]) -> None:
    """Let solo's page list these files."""
    body = {"meta": {"api-version": "1.0"}, "name": "solo", "files": list(files)}
    program.upstream.fault("/simple/solo/", Body(json.dumps(body).encode()), times=None)


def entry(program: Program, filename: str = GOOD, **facts: Any) -> dict[str, Any]:
    """An entry of solo's page that can be taken, but for the *facts*."""
    [[file, _]] = program.upstream.index.project("solo").visible  # type: ignore[union-attr]  # it is what upstream has
    url = program.upstream.url_of(file)
    return {"filename": filename, "url": url, "hashes": {"sha256": file.sha256}} | facts


def listed(program: Program, project: str) -> list[str]:
    """What the project's page lists; nothing where there is no page."""
    path = program.directory / f"web/simple/{project}/index.v1_json"
    return [one["filename"] for one in json.loads(path.read_bytes())["files"]] if path.exists() else []


UNUSABLE = {
    "url": {"url": "javascript:alert(1)"},
    "url of another type": {"url": 5},
    "digest": {"hashes": {"sha256": "../../etc"}},
    "digests of another type": {"hashes": ["sha256"]},
    "size": {"size": -1},
}


@pytest.mark.parametrize("facts", UNUSABLE.values(), ids=UNUSABLE)
def test_named_everywhere(program: Program, facts: dict[str, object]) -> None:
    """An entry that cannot be used is named by each command, the others are published, and all of them end with 1."""
    program.configure(NAMED)
    page(program, entry(program), entry(program, BAD) | facts)
    plan = program.run("plan")
    assert (plan.returncode, BAD in plan.stdout) == (1, True)
    run = program.run("mirror")
    assert (run.returncode, listed(program, "solo")) == (1, [GOOD])
    assert run.stderr.count(BAD) == 1
    assert program.run("mirror").stderr == ""
    for command in (
        ["status"],
        ["status", "--json"],
        ["verify"],
        ["verify", "--upstream"],
        ["audit"],
        ["why", "solo"],
    ):
        result = program.run(*command)
        assert BAD in result.stdout, (command, result)
        assert result.returncode == (0 if command[0] == "why" else 1), command


def test_left_out_by_a_rule(program: Program) -> None:
    """What cannot be taken and is not wanted either keeps nothing behind."""
    program.configure(NAMED + f'[files]\nexclude-names = ["{BAD}"]\n')
    page(program, entry(program), entry(program, BAD, url="javascript:alert(1)"))
    assert program.run("mirror").returncode == 0
    assert listed(program, "solo") == [GOOD]
    assert program.run("audit").returncode == 0


def test_no_empty_page(program: Program) -> None:
    """A project of which nothing can be taken gets no page: an empty one would hide what another index has."""
    program.configure(NAMED)
    page(program, entry(program, url="javascript:alert(1)"))
    assert program.run("mirror").returncode == 1
    assert not (program.directory / "web/simple/solo").exists()
    assert listed(program, "beta")
    assert GOOD in program.run("status").stdout


def test_refused_by_a_key(program: Program) -> None:
    """What the operator's own key refuses is named once, makes nothing behind, and is found by who looks for it."""
    program.upstream.behaviour = PLAIN
    program.configure(NAMED + '[files]\nwithout-digest = "refuse"\n')
    plan = program.run("plan")
    assert (plan.returncode, "files.without-digest" in plan.stdout) == (0, True)
    run = program.run("mirror")
    assert run.returncode == 0
    assert run.stderr.count(GOOD) == 1
    assert 'without-digest = "refuse"' in run.stderr
    assert not (program.directory / "web/simple/solo").exists()
    assert GOOD not in program.run("mirror").stderr
    assert program.run("status").returncode == 0
    assert program.run("audit").returncode == 0


def test_more_than_a_handful(program: Program) -> None:
    """Of many that the operator's key refuses a handful is named, and the command that is said names the others."""
    program.upstream.behaviour = PLAIN
    for number in range(8):
        program.upstream.index.upload(f"more-{number}", "1.0")
    program.configure('[select]\nprojects = ["more-*"]\n[files]\nwithout-digest = "refuse"\n')
    *_, last = program.run("mirror").stderr.splitlines()
    assert last.endswith("and 3 more files that are not taken: bandersnatch why PROJECT names them")
    assert all(f"more_{number}-1.0" in program.run("why", f"more-{number}").stdout for number in range(8))


def test_two_digests_are_a_finding(program: Program) -> None:
    """Where upstream states two digests for one name, the file is there; the other is a finding, and no error."""
    program.configure(NAMED)
    page(program, entry(program, hashes={"sha256": "0" * 64}), entry(program))
    run = program.run("mirror")
    assert (run.returncode, listed(program, "solo")) == (0, [GOOD])
    assert run.stderr.count(GOOD) == 1
    assert program.run("mirror").stderr == ""
    verified = program.run("verify")
    assert (verified.returncode, GOOD in verified.stdout) == (0, True)
    assert program.run("verify", "--strict").returncode == 1


def test_accept_changed(program: Program) -> None:
    """Other bytes of a file without a digest are taken for the project that is named, which has to be here."""
    program.upstream.behaviour = PLAIN
    program.configure(NAMED)
    assert program.run("mirror").returncode == 0
    index = program.upstream.index
    index.remove_file(GOOD)
    new = index.upload("solo", "1.0", padding=10)
    refused = program.run("mirror")
    assert refused.returncode == 1
    assert "--accept-changed" in refused.stderr
    assert program.run("mirror", "--accept-changed", "nobody").returncode == 2
    assert program.run("mirror", "--accept-changed", "beta").returncode == 1
    assert program.run("mirror", "--accept-changed", "Solo").returncode == 0
    [file] = json.loads((program.directory / "web/simple/solo/index.v1_json").read_bytes())["files"]
    assert file["hashes"] == {"sha256": new.sha256}
    assert program.run("mirror").returncode == 0

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bandersnatch.closure import site
from tests.cli.conftest import Program

ENVIRONMENTS = """
[select]
everything = true
[environments.linux]
python = ["3.11", "3.12"]
platforms = ["manylinux_2_28_x86_64"]
[environments.windows]
python = ["3.13"]
platforms = ["win_amd64"]
"""


@pytest.fixture
def mirrored(program: Program) -> Program:
    """A mirror of applications that need what the index has, and one that needs more."""
    index = program.upstream.index
    index.upload("app", "1.0", requires_dist=["alpha<2", "beta; sys_platform == 'win32'"])
    index.upload("needy", "1.0", requires_dist=["alpha>2"])
    index.upload("source", "1.0", "sdist", requires_dist=["gamma"])
    program.configure(ENVIRONMENTS)
    assert program.run("mirror", "-q").returncode == 0
    program.upstream.reset()
    return program


@pytest.mark.peers
def test_a_proof(mirrored: Program) -> None:
    """What can be installed from the mirror is proved for every environment, and upstream is not asked."""
    requirements = mirrored.home / "requirements.txt"
    requirements.write_text("app\n-c constraints.txt\n")
    (mirrored.home / "constraints.txt").write_text("beta<2\n")
    done = mirrored.run("prove", "-r", str(requirements), "--hash", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["proved"]
    assert [(one["environment"], one["python"], one["outcome"], one["pins"]) for one in answer["results"]] == [
        ("linux", "3.11", "ok", ["alpha==1.0", "app==1.0"]),
        ("linux", "3.12", "ok", ["alpha==1.0", "app==1.0"]),
        ("windows", "3.13", "ok", ["alpha==1.0", "app==1.0", "beta==1.0"]),
    ]
    assert mirrored.upstream.requests == []


@pytest.mark.peers
def test_a_conflict(mirrored: Program) -> None:
    """What does not fit together is told in the resolver's words; the exit code says so."""
    done = mirrored.run("prove", "needy", "--environment", "windows")
    assert done.returncode == 1
    assert "windows: Python 3.13 on x86_64-pc-windows-msvc: the mirror has no versions that fit together" in done.stdout
    assert "alpha>2" in done.stdout
    assert done.stdout.splitlines()[-1] == "not proved for 1 of 1 interpreter"


@pytest.mark.peers
def test_a_file_that_is_gone(mirrored: Program) -> None:
    """A file that was lost from the directory is named, for each environment that needs it."""
    [lost] = Path(mirrored.directory, "web/packages").rglob("beta-2.0-*.whl")
    lost.unlink()
    done = mirrored.run("prove", "app", "--json")
    assert done.returncode == 1
    outcomes = {one["environment"]: (one["outcome"], one["missing"]) for one in json.loads(done.stdout)["results"]}
    assert outcomes["linux"] == ("ok", [])
    assert outcomes["windows"][0] == "missing"
    assert outcomes["windows"][1] == [
        {"project": "beta", "version": "2.0", "file": lost.name, "why": "the page links it, and it is not there"}
    ]


@pytest.mark.peers
@pytest.mark.parametrize("served", [False, True])
def test_nobody_else_is_asked(mirrored: Program, *, served: bool) -> None:
    """Files that are only linked are not the mirror's: they are missing, and whoever has them gets no request."""
    mirrored.configure(
        f"{ENVIRONMENTS}[files]\n".replace("everything = true", 'everything = true\nindex-only = ["beta"]')
    )
    assert mirrored.run("mirror", "-q", "--accept-removals").returncode == 0
    mirrored.upstream.reset()
    arguments = ["prove", "beta", "--environment", "windows"]
    if served:
        with site.serve(Path(mirrored.directory, "web")) as url:
            done = mirrored.run(*arguments, "--url", url)
    else:
        done = mirrored.run(*arguments)
    assert (done.returncode, mirrored.upstream.requests) == (1, [])
    assert "beta" in done.stdout
    assert "file-hosts" in done.stdout


@pytest.mark.peers
def test_sources(mirrored: Program) -> None:
    """A project without wheels is proved where sources may be built, and the way to say so is told."""
    refused = mirrored.run("prove", "source", "--environment", "linux")
    assert (refused.returncode, "--build" in refused.stdout) == (1, True)
    done = mirrored.run("prove", "source", "--environment", "linux", "--build")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "proved for 2 interpreters")


@pytest.mark.peers
def test_a_mirror_by_its_address(mirrored: Program) -> None:
    """A mirror that is served can be proved from afar."""
    done = mirrored.run("prove", "app", "--url", mirrored.upstream.url)
    assert done.returncode == 0, done.stdout
    assert mirrored.upstream.count("/simple/app/") > 0


@pytest.mark.peers
def test_this_machine(program: Program) -> None:
    """Without environments it is proved for the machine that this runs on."""
    assert program.run("mirror", "-q", "--directory", str(program.directory), "--upstream", program.upstream.url,
                       "alpha").returncode == 0  # fmt: skip
    done = program.run("prove", "--directory", str(program.directory), "alpha")
    assert (done.returncode, done.stdout.startswith("this-machine: Python 3.")) == (0, True), done


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "there is nothing to prove"),
        (["alpha"], "nothing was mirrored here yet"),
        (["alpha", "--environment", "moon"], "the configuration has no environment moon; it has linux, windows"),
        (["-r", "absent.txt"], "absent.txt: cannot be read"),
    ],
)
def test_wrong_usage(program: Program, arguments: list[str], said: str) -> None:
    """What cannot be proved at all is told, with what to do."""
    program.configure(ENVIRONMENTS)
    done = program.run("prove", *arguments)
    assert done.returncode == 2
    assert said in done.stderr

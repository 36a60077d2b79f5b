"""``bandersnatch why`` from outside: what it prints, how it exits, and how it is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

from bandersnatch.cli.why import Target, newest, parse
from bandersnatch.errors import UsageError
from bandersnatch.sync.explaining import Judged
from bandersnatch.testing import Status, UpstreamServer
from tests.cli.conftest import Program

RULES = '[select]\nprojects = ["alpha", "beta>=2", "gone"]\n[releases]\nprereleases = false\n'


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A mirror by the rules above, of an upstream that has a pre-release as well. Asking changes neither."""
    with UpstreamServer() as upstream:
        for name in ("alpha", "beta", "gamma", "gone"):
            upstream.index.upload(name, "1.0")
            upstream.index.upload(name, "2.0")
        upstream.index.upload("alpha", "3.0rc1")
        program = Program(tmp_path_factory.mktemp("mirrored"), upstream)
        program.configure(RULES)
        assert program.run("mirror").returncode == 0
        upstream.index.remove_project("gone")
        yield program


def test_without_a_configuration(program: Program) -> None:
    """Of a mirror whose runs named projects, nothing is said to leave: the answer is that of a run that names it."""
    place = ["--directory", str(program.directory)]
    assert program.run("mirror", "--upstream", program.upstream.url, *place, "alpha").returncode == 0
    program.environment["BANDERSNATCH_MIRROR_UPSTREAM"] = program.upstream.url
    result = program.run("why", "alpha", *place)
    assert (result.returncode, "leaves" in result.stdout) == (0, False)
    assert "alpha-1.0-py3-none-any.whl: wanted, held" in result.stdout
    assert "so this is what a run would do that names it: bandersnatch mirror alpha" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "printed"),
    [
        (["alpha"], 0, "alpha-1.0-py3-none-any.whl: wanted, held"),
        (["Alpha"], 0, "  → wanted: the project is named [select.projects = alpha ("),
        (["alpha"], 0, "bandersnatch.conf:6)]"),
        (["alpha==3.0rc1"], 1, "  → not wanted: 3.0rc1 is a pre-release [releases.prereleases = false ("),
        (["alpha==3.0-RC.1"], 1, "alpha-3.0rc1-py3-none-any.whl: not wanted, not held"),
        (["alpha/alpha-2.0-py3-none-any.whl"], 0, "alpha-2.0-py3-none-any.whl: wanted, held"),
        (["alpha==2/alpha-2.0-py3-none-any.whl"], 0, "alpha-2.0-py3-none-any.whl: wanted, held"),
        (["beta==1.0"], 1, "  → not wanted: version 1.0 is not in >=2 [select.projects = beta>=2 ("),
        (["gamma"], 1, "  → not wanted: the project is not selected [select.projects]"),
        (["gone"], 1, "gone-1.0-py3-none-any.whl: not wanted, held, and not on upstream's page"),
        (["gone"], 1, "it leaves: [removal] deleted = follow; the next run takes it off its page"),
        (["alpah"], 2, "upstream has no project of this name; did you mean alpha?"),
        (["alpha==9"], 2, "no version 9 of alpha; the newest versions are "),
        (["alpha/none.whl"], 2, "no file none.whl of alpha"),
        (["alpha", "--offline"], 0, "alpha-2.0-py3-none-any.whl: wanted, held"),
        (["gamma", "--offline"], 1, "gamma: not wanted"),
        (["-bad-"], 2, ""),
        (["al pha"], 2, "not a project name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_asking(mirrored: Program, arguments: Sequence[str], code: int, printed: str) -> None:
    """Whatever is asked about, the answer names what decides, and the exit code says whether it is wanted."""
    result = mirrored.run("why", *arguments)
    assert printed in result.stdout + result.stderr
    assert result.returncode == code


def test_held_though_not_wanted(mirrored: Program) -> None:
    """After the rules changed a file that is still here is marked, with the policy and when it leaves."""
    mirrored.configure(f'{RULES}[exclude]\nprojects = ["alpha==1.0"]\n[removal]\ndeselected = "hide"\n')
    leaving = mirrored.run("why", "alpha==1.0")
    assert leaving.returncode == 1
    assert "alpha-1.0-py3-none-any.whl: not wanted, held\n" in leaving.stdout
    assert "it leaves: [removal] deselected = hide; " in leaving.stdout
    assert "1 h later or more out of storage, then waits 90 d in the trash" in leaving.stdout
    mirrored.configure(f'{RULES}[exclude]\nprojects = ["alpha==1.0"]\n[removal]\ndeselected = "keep"\n')
    assert "it stays: [removal] deselected = keep" in mirrored.run("why", "alpha==1.0").stdout
    mirrored.configure(RULES)


def test_index_only(program: Program) -> None:
    """A project whose page links upstream's files is wanted, and that nothing of it is stored is said."""
    program.configure('[select]\nindex-only = ["alpha"]\n')
    result = program.run("why", "alpha")
    assert result.returncode == 0
    assert "index-only: its page links upstream's files" in result.stdout


def test_behind(program: Program) -> None:
    """A project that is behind has its reason and its next try."""
    program.configure("[select]\neverything = true\n[upstream]\ntries = 1\n")
    program.upstream.fault("/simple/beta/", Status(500), times=None)
    program.run("mirror")
    result = program.run("why", "beta")
    assert "behind since " in result.stdout
    assert "; next try after " in result.stdout
    assert "upstream gave no answer, so this is about the files that the mirror holds: " in result.stdout
    assert result.returncode == 0, "the project is wanted, though none of its files can be seen"


def test_older_releases(program: Program) -> None:
    """Of many releases the newest are told about, unless all are asked for."""
    for number in range(10):
        program.upstream.index.upload("many", f"{number}.0")
    program.configure("[select]\neverything = true\n")
    some, every = program.run("why", "many"), program.run("why", "many", "--all")
    assert "many-9.0-" in some.stdout
    assert "many-6.0-" not in some.stdout
    assert "and 7 files of older releases: --all tells of them as well" in some.stdout
    assert every.stdout.count("many-") == 10
    assert "older releases" not in every.stdout


def test_json(mirrored: Program) -> None:
    """--json has every file, whatever its release, with every verdict and the one that decides."""
    result = mirrored.run("why", "alpha", "--json")
    answer = json.loads(result.stdout)
    assert (answer["project"], answer["exists"], answer["wanted"]) == ("alpha", True, True)
    files = {one["version"]: one for one in answer["files"]}
    assert {version: one["wanted"] for version, one in files.items()} == {"1.0": True, "2.0": True, "3.0rc1": False}
    assert files["3.0rc1"]["explained"]["deciding"]["rule"] == "releases.prereleases"
    assert [one["wanted"] for one in files["3.0rc1"]["explained"]["verdicts"]] == [True, False]


def test_nothing_is_written(mirrored: Program) -> None:
    """Asking makes no directory, and needs none."""
    result = mirrored.run("why", "alpha", "--directory", "elsewhere")
    assert result.returncode == 0
    assert "not held" in result.stdout
    assert not (mirrored.home / "elsewhere").exists()


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ("six", Target("six", "", "")),
        ("Six_Seven", Target("six-seven", "", "")),
        ("six==1.0", Target("six", "1.0", "")),
        ("six == 1.0", Target("six", "1.0", "")),
        ("six/six-1.0.tar.gz", Target("six", "", "six-1.0.tar.gz")),
        ("six==1.0/six-1.0.tar.gz", Target("six", "1.0", "six-1.0.tar.gz")),
        ("six==1.0/", Target("six", "1.0", "")),
    ],
)
def test_targets(written: str, target: Target) -> None:
    """A name, with a version and a file where they are wanted."""
    assert parse(written) == target


@pytest.mark.parametrize("written", ["", "six>=1", "==1.0", "/six.whl", "../six"])
def test_no_targets(written: str) -> None:
    """What is no name is refused, with the forms that can be asked for."""
    with pytest.raises(UsageError, match="ask for NAME"):
        parse(written)


@pytest.mark.parametrize(
    ("versions", "shown"),
    [
        (["1.0", "2.0"], ["1.0", "2.0"]),
        (["1.0", "10.0", "9.0", "2.0"], ["10.0", "9.0", "2.0"]),
        (["odd", "1.0", "2.0", "3.0"], ["1.0", "2.0", "3.0"]),
        (["1.0", "1.0", "2.0", "3.0"], ["1.0", "1.0", "2.0", "3.0"]),
        ([], []),
    ],
)
def test_newest(versions: Sequence[str], shown: Sequence[str]) -> None:
    """The newest releases by PEP 440, with all their files, in the order of the page."""
    files = [Judged(version, version, True, True, True, None, None) for version in versions]
    assert [one.version for one in newest(files)] == shown

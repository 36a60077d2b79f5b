"""Requirement files, judged by what pip makes of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from pip._internal.exceptions import InstallationError
from pip._internal.network.session import PipSession
from pip._internal.req.req_file import parse_requirements

from bandersnatch.errors import UsageError
from bandersnatch.inputs import files
from bandersnatch.inputs.files import Wanted
from tests.inputs.sheets import lines, read, refused, texts, warned

SHA = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("six", ["six"]),
        ("Six[b,a] >=1, <2", ["Six[a,b]<2,>=1"]),
        ("six (>=1)", ["six>=1"]),
        ("six; python_version < '3.9'", ['six; python_version < "3.9"']),
        ("a\n\n# b\nc # d\ne#f==1 # hidden", None),
        ("a\n\n  # b\nc # d\n", ["a", "c"]),
        ("six>=1,\\\n<2", ["six<2,>=1"]),
        ("six \\\n# over\nidna", ["six", "idna"]),
        ("a\r\nb\rc", ["a", "b", "c"]),
        ("six --config-settings=a=b", ["six"]),
        ("six; extra == 'x'", ["six"]),
        ("six\nsix\n", ["six"]),
        ("idna; platform_machine == 'x' or extra == 'y'", ["idna"]),
    ],
)
def test_requirements(text: str, wanted: list[str] | None, tmp_path: Path) -> None:
    """Requirements are read as pip reads them, each once; what only an extra wants is wanted."""
    if wanted is None:
        assert refused(tmp_path, "requirements.txt", text)
    else:
        found = read(tmp_path, "requirements.txt", text)
        assert (texts(found), found.warnings) == (wanted, ())


def test_lines_and_hashes(tmp_path: Path) -> None:
    """Each requirement has the first of its lines, and its hashes."""
    text = f"# made by hand\nsix==1.0 \\\n    --hash={SHA} \\\n    --hash {SHA[:-1]}1\nidna\n"
    found = read(tmp_path, "requirements.txt", text)
    file = str(tmp_path / "requirements.txt")
    assert found.items == (Wanted("six==1.0", file, 2, (SHA, f"{SHA[:-1]}1")), Wanted("idna", file, 5))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-e ./here", "is a URL or path"),
        ("--editable=git+https://user:secret@example.org/x#egg=y", "is a URL or path"),
        ("./here", "is a URL or path"),
        ("packages/here", "is a URL or path"),
        ("here-1.0.tar.gz", "is a URL or path"),
        ("https://user:secret@example.org/a.whl?token=secret", "is a URL or path"),
        ("here @ https://user:secret@example.org/a.whl", "here comes from a URL or path"),
        ("--index-url https://user:secret@example.org/simple", "--index-url is pip's to follow"),
        ("-i https://user:secret@example.org/simple", "--index-url is pip's to follow"),
        ("-fhttps://user:secret@example.org/simple", "--find-links is pip's to follow"),
        ("--pre", "--pre is pip's to follow"),
        ("--only-final :all:", "--only-final is pip's to follow"),
        ("--of-the-future secret", "not understood, and ignored: --of-the-future"),
        ("-Z secret", "not understood, and ignored: an option"),
        (f"--hash={SHA}", "--hash without a requirement"),
    ],
)
def test_passed_over(line: str, message: str, tmp_path: Path) -> None:
    """What a mirror cannot hold or does not decide is a warning with its line; no secret is shown."""
    found = read(tmp_path, "requirements.txt", f"six\n{line}\n")
    assert texts(found) == ["six"]
    [warning] = warned(found)
    assert warning.startswith(f"2: {message}")
    assert "secret" not in warning


def test_every_problem_is_told(tmp_path: Path) -> None:
    """All lines that are no requirement are told at once, with file and line, those of included files too."""
    (tmp_path / "more.txt").write_text("\n=\n")
    problems = refused(tmp_path, "requirements.txt", "b@d line\nsix\nno such\n-r more.txt\nsix --hash\nx 'y\n")
    places = [(Path(problem.file or "").name, problem.line) for problem in problems]
    top = "requirements.txt"
    assert places == [(top, 1), (top, 3), ("more.txt", 2), (top, 5), (top, 6)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("six; " + "(" * 3000 + "os_name == 'x'" + ")" * 3000, "nested"),
        ("six==" + "1" * 5000, "a number in it is too long"),
        ("a" * 300, "no project can have such a name"),
    ],
)
def test_what_nobody_could_read(line: str, message: str, tmp_path: Path) -> None:
    """What Python itself could not read later is a problem now, told in a line that a terminal can show."""
    [problem] = refused(tmp_path, "requirements.txt", line)
    assert message in problem.message
    assert len(problem.message) < 400


def test_unclosed_quotation(tmp_path: Path) -> None:
    """Options that no shell could split are a problem."""
    [problem] = refused(tmp_path, "requirements.txt", "six --hash='\n")
    assert "the options cannot be understood" in problem.message


# --- variables -----------------------------------------------------------------------------------------------------


def test_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """${NAME} is filled in, $NAME and ${name} are not; a place of it is not shown."""
    monkeypatch.setenv("WANTED_VERSION", "1.5")
    monkeypatch.setenv("WANTED_TOKEN", "secret")
    url = "https://example.org/${WANTED_TOKEN}/a.whl"
    found = read(tmp_path, "requirements.txt", f"six==${{WANTED_VERSION}}\n{url}\n-e {url}\n--future {url}\n")
    assert texts(found) == ["six==1.5"]
    assert [warning.line for warning in found.warnings] == [2, 3, 4]
    assert "secret" not in str(found.warnings)
    assert refused(tmp_path, "requirements.txt", "six==$WANTED_VERSION\nidna==${wanted_version}\n")


def test_variable_that_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set is a problem that names it."""
    monkeypatch.delenv("WANTED_VERSION", raising=False)
    [problem] = refused(tmp_path, "requirements.txt", "six==${WANTED_VERSION}\n")
    assert problem.message == "the variable WANTED_VERSION is not set"


def test_variable_that_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a variable brings is not shown, even if it makes no requirement."""
    monkeypatch.setenv("WANTED_VERSION", "== secret")
    [problem] = refused(tmp_path, "requirements.txt", "six==${WANTED_VERSION}\n")
    assert "secret" not in problem.message


# --- included files ------------------------------------------------------------------------------------------------


def test_included_files(tmp_path: Path) -> None:
    """-r and -c are relative to the file that has them; requirements of constraints are requirements, as in pip."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one/first.txt").write_text("idna\n-r ../second.txt\n")
    (tmp_path / "second.txt").write_text("six\n")
    (tmp_path / "limits.txt").write_text("six<2\nb @ https://example.org/b.whl\n-r third.txt\n-c fourth.txt\n")
    (tmp_path / "third.txt").write_text("rich\n")
    (tmp_path / "fourth.txt").write_text("rich<14\n")
    found = read(tmp_path, "requirements.txt", "-r one/first.txt\n--constraint=limits.txt\n-rsecond.txt\n")
    assert texts(found) == ["idna", "six", "rich"]
    assert [one.text for one in found.constraints] == ["six<2", "rich<14"]
    assert [Path(one.file).name for one in found.items] == ["first.txt", "second.txt", "third.txt"]
    assert [Path(one.file or "").name for one in found.warnings] == ["limits.txt"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-r requirements.txt", "includes this file again"),
        ("-r ./other.txt", None),
        ("-c link.txt", "includes this file again"),
        ("-r lacking.txt", "lacking.txt cannot be read: No such file or directory"),
        ("-r .", "cannot be read: Is a directory|is not a regular file"),
        ("-r pipe", "pipe is not a regular file"),
        ("-r loop", "loop cannot be read: Too many levels of symbolic links"),
        ("-r https://user:secret@example.org/r.txt", "names a URL"),
    ],
)
def test_included_files_that_fail(line: str, message: str | None, tmp_path: Path) -> None:
    """A file that includes itself, is not there or is none is a problem at the line that includes it."""
    (tmp_path / "link.txt").symlink_to("requirements.txt")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "other.txt").write_text("-c requirements.txt\n")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match=message or "includes this file again") as caught:
        read(tmp_path, "requirements.txt", f"six\n{line}\n")
    [problem] = caught.value.problems
    assert problem.line == (2 if message else 1)


def test_files_that_include_each_other_deeply(tmp_path: Path) -> None:
    """A long chain of files ends with a problem; files that include each other twice are read once."""
    for number in range(60):
        (tmp_path / f"{number}.txt").write_text(f"p{number}\n" + f"-r {number + 1}.txt\n" * 2)
    (tmp_path / "60.txt").write_text("")
    with pytest.raises(UsageError, match="more than 50 files include each other") as caught:
        files.read(tmp_path / "0.txt")
    assert {problem.line for problem in caught.value.problems} == {2, 3}
    assert len(texts(files.read(tmp_path / "15.txt"))) == 45


SECRETS = {
    "shadow": "root:$y$j9T$hunter2/x.:20228:0:99999:7:::\ndaemon:*:20228:0:99999:7:::\n",
    "passwd": "hunter2:x:0:0:hunter2:/root:/bin/sh\n",
    "netrc": "machine example.org login me password hunter2\n",
    "env": "TOKEN=hunter2\nDATABASE=postgres://me:hunter2@db/hunter2\n",
    "pgpass": "db:5432:*:me:hunter2\n",
    "key": "-----BEGIN PRIVATE KEY-----\nhunter2/aGVsbG8\nhunter2+x==\n-----END PRIVATE KEY-----\n",
    "yaml": "---\npassword: hunter2\n",
    "json": '{"password": "hunter2"}\n',
    "options": "--password 'hunter2\n",
    "words": "hunter2 hunter2\nsix; hunter2 == 'x'\nsix==hunter2 x\nsix[hunter2\n",
    "long": "hunter2" * 60 + "\n",
    "url": "https://hooks.example.org/hunter2\n-hunter2\n--hunter2=hunter2\nsix hunter2\n",
}
"""What files hold that are no requirement files; none of it may be shown to whoever reads the messages."""


@pytest.mark.parametrize("name", SECRETS)
def test_what_is_no_requirement_file_is_not_shown(name: str, tmp_path: Path) -> None:
    """A file that is no requirement file is refused by its lines' numbers, named or included; nothing repeats it."""
    (tmp_path / name).write_text(SECRETS[name])
    for line in (f"-r {name}", f"-c {name}"):
        problems = refused(tmp_path, "requirements.txt", f"six\n{line}\n")
        assert {Path(problem.file or "").name for problem in problems} == {name}
        assert "hunter2" not in str(problems)
    if name != "json":
        assert "hunter2" not in str(refused(tmp_path, "named.txt", SECRETS[name]))


# --- pip itself ----------------------------------------------------------------------------------------------------

PIECES = st.sampled_from([
    "six", "idna==3.7", "a>=1,<2", " ", "\\", "\n", "\\\n", "\r\n", "#", " # note", "# -r x", "\t", "  ",
    f" --hash={SHA}", "; python_version > '3'", "[x]", "--pre", "\x0c", "\u2028", "=", "-", "--no-index", "'",
])  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECES, max_size=15))
def test_as_pip_reads_it(tmp_path_factory: pytest.TempPathFactory, session: PipSession, pieces: list[str]) -> None:
    """Of any mixture of lines we take what pip takes, with its line numbers; what only pip refuses is a warning."""
    path = tmp_path_factory.mktemp("any") / "requirements.txt"
    path.write_text("".join(pieces), "utf-8", newline="")
    try:
        found = files.read(path)
    except UsageError:
        return
    try:
        theirs = as_pip_reads(path, session)
    except InstallationError:
        assert any("not understood" in warning for warning in warned(found))
        return
    assert [(one.text, one.hashes, one.line) for one in found.items] == theirs


@pytest.fixture(scope="module")
def session() -> Iterator[PipSession]:
    """What pip's reader asks for; files on the disk do not use it."""
    with contextlib.closing(PipSession()) as session:
        yield session


def as_pip_reads(path: Path, session: PipSession) -> list[tuple[str, tuple[str, ...], int]]:
    """Text, hashes and line of each requirement, without repetitions."""
    found: dict[tuple[str, tuple[str, ...]], int] = {}
    for one in parse_requirements(str(path), session):
        kinds = (one.options or {}).get("hashes", {})
        hashes = tuple(f"{kind}:{value}" for kind, values in kinds.items() for value in values)
        line = int((one.line_source or "").split()[1])
        found.setdefault((str(Requirement(one.requirement)), hashes), line)
    return [(text, hashes, line) for (text, hashes), line in found.items()]


NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
VERSIONS = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}((a|b|rc)[0-9])?(\+[a-z]{1,3})?", fullmatch=True)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, VERSIONS), min_size=1, unique_by=lambda pair: pair[0]))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, pins: list[tuple[str, str]]) -> None:
    """What is written as name==version comes back in order, line by line."""
    wanted = [f"{name}=={version}" for name, version in pins]
    found = read(tmp_path_factory.mktemp("trip"), "all.txt", "\n".join(wanted))
    assert texts(found) == [str(Requirement(one)) for one in wanted]
    assert lines(found) == list(range(1, len(wanted) + 1))


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever a file holds: it is read, or refused with problems; nothing else is raised."""
    try:
        found = read(tmp_path_factory.mktemp("any"), "any", text)
    except UsageError as error:
        assert error.problems
        return
    assert all(str(Requirement(one)) == one for one in texts(found))

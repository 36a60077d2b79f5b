from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from bandersnatch.closure.base import Closure, Interpreter, Newest, Ranges
from bandersnatch.closure.shelf import Shelf
from bandersnatch.closure.walk import walk
from bandersnatch.errors import UpstreamError
from tests.closure.archives import zipped
from tests.closure.memory import Memory
from tests.closure.places import LINUX, OLD, WINDOWS

ONE = Newest(1)


def closure(
    upstream: Memory,
    *requirements: str,
    places: Sequence[Interpreter] = (LINUX,),
    policy: Newest | Ranges = ONE,
    constraints: Sequence[str] = (),
) -> Closure:
    return asyncio.run(
        walk(
            [Requirement(text) for text in requirements],
            places,
            policy,
            Shelf(upstream),
            constraints=[Requirement(text) for text in constraints],
        )
    )


def wanted(found: Closure) -> list[str]:
    return [item.requirement for item in found.items]


@pytest.fixture
def upstream() -> Memory:
    return Memory()


def test_what_is_needed_is_followed(upstream: Memory) -> None:
    """The closure has what the requirements need, and what that needs, each with one reason; nothing else."""
    upstream.add("App", "1.0", "lib-a>=1")
    upstream.add("lib.A", "1.5", "deep")
    upstream.add("deep", "3")
    upstream.add("other", "1")
    found = closure(upstream, "app")
    assert [(item.requirement, item.because) for item in found.items] == [
        ("app==1.0", "it is asked for"),
        ("deep==3", "lib-a 1.5 needs it"),
        ("lib-a==1.5", "app 1.0 needs it"),
    ]
    assert found.unknown == ()


def test_circles_end(upstream: Memory) -> None:
    """Projects that need each other, or themselves with an extra, are walked once."""
    upstream.add("a", "1", "b", "a[more]; extra == 'all'", "c; extra == 'more'")
    upstream.add("b", "1", "a")
    upstream.add("c", "1", "b[none]", "a[all]")
    assert wanted(closure(upstream, "a[all]")) == ["a==1", "b==1", "c==1"]
    assert upstream.asked.count("a") == 1
    assert len([one for one in upstream.asked if one.endswith(".metadata")]) == 3


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Newest(1), ["a==3.0"]),
        (Newest(2), ["a==2.0", "a==3.0", "b==1"]),
        (Newest(9), ["a==1.0", "a==2.0", "a==3.0", "b==1", "c==1"]),
        (Ranges(), ["a<4", "b", "c"]),
    ],
)
def test_versions_of_a_policy(upstream: Memory, policy: Newest | Ranges, expected: list[str]) -> None:
    """The newest N of a range are taken, or the range itself, and every version that is taken is followed."""
    upstream.add("a", "1.0", "c")
    upstream.add("a", "2.0", "b")
    for version in ("3.0", "4.0", "3.5rc1", "no-version"):
        upstream.add("a", version)
    upstream.add("b", "1")
    upstream.add("c", "1")
    assert wanted(closure(upstream, "a<4", policy=policy)) == expected


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("a", "a==1.0"),  # a pre-release only where it is asked for,
        ("a>=2.0b1", "a==2.0b1"),
        ("a==2.0b1", "a==2.0b1"),
        ("only", "only==1a1"),  # or where there is nothing else (PEP 440)
        ("y", "y==1.0"),  # a yanked version only by its pin (PEP 592)
        ("y==2.0", "y==2.0"),
    ],
)
def test_versions_that_must_be_asked_for(upstream: Memory, requirement: str, expected: str) -> None:
    """Pre-releases and yanked versions are taken as installers take them."""
    upstream.add("a", "1.0")
    upstream.add("a", "2.0b1")
    upstream.add("only", "1a1")
    upstream.add("y", "1.0")
    upstream.add("y", "2.0", yanked="broken")
    assert wanted(closure(upstream, requirement)) == [expected]


def test_markers_are_judged_where_they_apply(upstream: Memory) -> None:
    """What only Windows needs is followed with Windows' markers only, also further down."""
    upstream.add("a", "1", "win; sys_platform == 'win32'", "lin; sys_platform == 'linux'")
    upstream.add("win", "1", "both; python_version >= '3.8'", "never; sys_platform == 'linux'")
    for name in ("lin", "both", "never"):
        upstream.add(name, "1")
    assert wanted(closure(upstream, "a", places=[LINUX])) == ["a==1", "lin==1"]
    assert wanted(closure(upstream, "a", places=[WINDOWS, LINUX])) == ["a==1", "both==1", "lin==1", "win==1"]
    assert wanted(closure(upstream, "a; sys_platform == 'win32'", places=[LINUX])) == []


def test_each_interpreter_has_its_newest(upstream: Memory) -> None:
    """Versions that a Python cannot use (Requires-Python, tags) do not count among its newest."""
    upstream.add("a", "1")
    upstream.add("a", "2", requires_python=">=3.10")
    upstream.add("a", "3", tags=("cp312", "cp312", "win_amd64"))
    assert wanted(closure(upstream, "a", places=[OLD])) == ["a==1"]
    assert wanted(closure(upstream, "a", places=[OLD, LINUX, WINDOWS])) == ["a==1", "a==2", "a==3"]


def test_wheels_that_differ(upstream: Memory) -> None:
    """Each interpreter follows the metadata of the wheel that it would install."""
    upstream.add("a", "1", "l", tags=("py3", "none", "manylinux_2_17_x86_64"))
    upstream.add("a", "1", "w", tags=("py3", "none", "win_amd64"))
    upstream.add("l", "1")
    upstream.add("w", "1")
    assert wanted(closure(upstream, "a", places=[LINUX])) == ["a==1", "l==1"]
    assert wanted(closure(upstream, "a", places=[LINUX, WINDOWS])) == ["a==1", "l==1", "w==1"]


def test_constraints(upstream: Memory) -> None:
    """A constraint narrows what is needed, and needs nothing itself."""
    for version in ("1", "2"):
        upstream.add("a", version, "b")
        upstream.add("b", version)
    found = closure(upstream, "a", constraints=["b<2", "c==1", "a<2; sys_platform == 'win32'"])
    assert wanted(found) == ["a==2", "b==1"]


def test_the_wheel_itself_has_metadata(upstream: Memory) -> None:
    """Where upstream offers no metadata, offers it wrongly or has lost it, the wheel is read."""
    upstream.add("a", "1", "b", metadata=False)
    lost = upstream.add("b", "1", "c")
    del upstream.contents[f"{lost}.metadata"]
    wrong = upstream.add("c", "1", "d")
    upstream.contents[f"{wrong}.metadata"] = b"Requires-Dist: e\n"
    upstream.add("d", "1")
    assert wanted(closure(upstream, "a")) == ["a==1", "b==1", "c==1", "d==1"]


def test_sources_need_their_build_tools(upstream: Memory) -> None:
    """Where a source would be installed, what it needs to be built is needed, with all that this needs."""
    project = b'[build-system]\nrequires = ["tool>=2"]\n'
    upstream.add("a", "1", kind="sdist", content=source({"PKG-INFO": PKG_INFO, "pyproject.toml": project}))
    upstream.add("tool", "2", "toolkit")
    upstream.add("toolkit", "1")
    upstream.add("b", "1")
    found = closure(upstream, "a")
    assert wanted(found) == ["a==1", "b==1", "tool==2", "toolkit==1"]
    assert found.items[2].because == "a 1 needs it to be built"
    assert found.unknown == ()
    upstream.add("a", "1")
    assert wanted(closure(upstream, "a")) == ["a==1"]


PKG_INFO = b"Metadata-Version: 2.2\nName: a\nVersion: 1\nRequires-Dist: b\n\n"


def source(members: dict[str, bytes]) -> bytes:
    from tests.closure.archives import tar

    return tar({f"a-1/{name}": data for name, data in members.items()})


def test_what_cannot_be_known_is_named(upstream: Memory) -> None:
    """Doubts are reported, by project and version, and spoil nothing else."""
    upstream.add("good", "1")
    upstream.add("badline", "1", "good", "=oops=")
    upstream.add("byurl", "1", "good @ https://example.org/good.zip")
    upstream.add("broken", "1", kind="sdist", content=b"nonsense")
    upstream.add("dynamic", "1", kind="sdist", content=source({"PKG-INFO": b"Metadata-Version: 2.1\n"}))
    upstream.add("setuptools", "80")
    upstream.add("foreign", "1", tags=("cp27", "cp27m", "win32"))
    found = closure(upstream, "badline", "byurl", "broken", "dynamic", "absent", "foreign", "good>7")
    assert [(one.project, one.version, one.reason[:60]) for one in found.unknown] == [
        ("absent", "", "upstream has no such project, for linux (Python 3.12 on x86_"),
        ("badline", "1", "cannot read what it requires: '=oops='"),
        ("broken", "1", "broken-1.tar.gz: not a source distribution that can be read: "[:60]),
        ("broken", "1", "what broken-1.tar.gz needs to be built: not a source distrib"),
        ("byurl", "1", "requires a URL and not a project: 'good @ https://example.or"),
        ("dynamic", "1", "dynamic-1.tar.gz says what it needs only when it is built"),
        ("foreign", "", "no version can be installed on linux (Python 3.12 on x86_64-"),
        ("good", "", "no version in >7 can be installed on linux (Python 3.12 on x"),
    ]
    assert {"badline==1", "good==1", "setuptools==80"} <= set(wanted(found))


FORBIDDEN = UpstreamError("upstream forbids it (403)", status=403)
SILENT = UpstreamError("no answer")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [(ONE, ["a==2", "b==1"]), (Newest(2), ["a==1", "a==2", "b==1", "c==1"]), (Ranges(), ["a", "b", "c"])],
)
def test_a_version_that_is_forbidden(upstream: Memory, policy: Newest | Ranges, expected: list[str]) -> None:
    """A version that upstream lists and forbids is named and passed over: an older one takes its place."""
    upstream.add("a", "1", "c")
    upstream.add("a", "2", "b")
    url = upstream.add("a", "3", "d")
    for name in "bcd":
        upstream.add(name, "1")
    upstream.faults = {url: FORBIDDEN, f"{url}.metadata": FORBIDDEN}
    found = closure(upstream, "a", policy=policy)
    assert (wanted(found), found.unknown) == (expected, ())  # ``find`` adds what the shelf has noted


def test_what_is_forbidden_as_a_whole(upstream: Memory) -> None:
    """What can be told of nothing else is wanted as it was asked for, so that a run says why it is behind."""
    upstream.add("a", "1", "b>=2", "c", "d")
    url = upstream.add("c", "1")
    upstream.add("d", "1")
    upstream.faults = {"b": FORBIDDEN, url: FORBIDDEN, f"{url}.metadata": FORBIDDEN}
    assert wanted(closure(upstream, "a")) == ["a==1", "b>=2", "c", "d==1"]


def test_metadata_that_only_the_wheel_gives(upstream: Memory) -> None:
    """Where the metadata beside a wheel is not given, the wheel's own is read."""
    url = upstream.add("a", "1", "b")
    upstream.add("b", "1")
    upstream.faults = {f"{url}.metadata": FORBIDDEN}
    assert wanted(closure(upstream, "a")) == ["a==1", "b==1"]


@pytest.mark.parametrize(("ranges", "most"), [(True, 500_000), (False, 10_000_000)])
def test_metadata_of_a_large_wheel(upstream: Memory, *, ranges: bool, most: int) -> None:
    """Of a large wheel without metadata beside it the pieces are read that have it, where upstream gives pieces."""
    members = {f"a/{number}": random.Random(number).randbytes(30_000) for number in range(200)}
    members |= {"a-1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: a\nVersion: 1\nRequires-Dist: b\n", **members}
    upstream.ranges = ranges
    upstream.add("a", "1", metadata=False, content=zipped(dict(sorted(members.items()))))
    upstream.add("b", "1")
    assert wanted(closure(upstream, "a")) == ["a==1", "b==1"]
    assert upstream.sent < most


@pytest.mark.parametrize(
    "content", [b"x" * (3 << 20), b"PK\5\6" + bytes(18) + b"x" * (3 << 20), zipped({"a": bytes(3 << 20)})]
)
def test_a_large_file_that_is_no_wheel(upstream: Memory, content: bytes) -> None:
    """What is no wheel is in doubt, however little of it is read."""
    upstream.add("a", "1", metadata=False, content=content.ljust(2 << 20))
    [unknown] = closure(upstream, "a").unknown
    assert unknown.reason.startswith("a-1-py3-none-any.whl: ")
    assert upstream.sent < 1 << 20


def test_a_file_that_is_not_answered_for(upstream: Memory) -> None:
    """A version about which nobody answers now is wanted: a run may get it."""
    url = upstream.add("a", "1", "b")
    upstream.faults = {f"{url}.metadata": SILENT}
    assert wanted(closure(upstream, "a")) == ["a==1"]


@pytest.mark.parametrize("silent", ["pages", "files"])
def test_upstream_that_fails(upstream: Memory, silent: str) -> None:
    """Where upstream does not answer there is no closure, and it is not asked on and on."""
    for number in range(50):
        url = upstream.add(f"a{number}", "1")
        upstream.faults |= {f"a{number}": SILENT} if silent == "pages" else {f"{url}.metadata": SILENT}
    with pytest.raises(UpstreamError, match="no answer"):
        closure(upstream, *upstream.pages)
    assert len([one for one in upstream.asked if one in upstream.faults]) < 30


def test_local_builds_are_of_one_release(upstream: Memory) -> None:
    """The newest versions are public ones, each with all its local builds."""
    for version in ("1+cpu", "1+xpu", "2+cpu", "2+xpu"):
        upstream.add("a", version)
    assert wanted(closure(upstream, "a")) == ["a==2+cpu", "a==2+xpu"]


def test_narrowed_pages(upstream: Memory) -> None:
    """What the selection's rules drop is not counted among the newest, and not followed."""
    from bandersnatch.values import replace

    upstream.add("a", "1")
    upstream.add("a", "2", "b")
    shelf = Shelf(upstream, narrow=lambda page: replace(page, files=page.files[:1]))
    assert wanted(asyncio.run(walk([Requirement("a")], [LINUX], Newest(1), shelf))) == ["a==1"]


names = st.sampled_from(["a", "b", "c", "d"])


@given(st.dictionaries(st.tuples(names, st.sampled_from(["1", "2", "3"])), st.lists(names, max_size=3)))
def test_more_versions_only_add(releases: dict[tuple[str, str], list[str]]) -> None:
    """Asking for more versions, or for more projects, never removes anything; the order of questions is no matter."""
    upstream = Memory()
    for (name, version), requires in releases.items():
        upstream.add(name, version, *requires)
    one, two = (set(wanted(closure(upstream, "a", policy=Newest(count)))) for count in (1, 2))
    more = closure(upstream, "a", "b", policy=Newest(2))
    assert one <= two <= set(wanted(more))
    again = closure(upstream, "b", "a", policy=Newest(2))
    assert wanted(again) == wanted(more)

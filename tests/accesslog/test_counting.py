"""What counts as a download: the rules of the reference page, as a table and as laws."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.accesslog.agents import Agent, agent_of
from bandersnatch.accesslog.counting import REMEMBERED, Recent, Verdict, judge
from bandersnatch.accesslog.request import Request
from bandersnatch.accesslog.targets import Target, project_of, target_of
from tests.accesslog.samples import FILE, PIP

SIX = Target("six", "six-1.17.0-py2.py3-none-any.whl")


def asked(**changed: Any) -> Request:
    return Request(0.0, "GET", FILE, 200, 1000, "", PIP, 7)._replace(**changed)


TABLE = [
    ({}, Verdict.COUNTED),
    ({"method": "HEAD"}, Verdict.METHOD),
    ({"method": "POST"}, Verdict.METHOD),
    ({"method": "get"}, Verdict.METHOD),
    ({"status": 304}, Verdict.STATUS),
    ({"status": 301}, Verdict.STATUS),
    ({"status": 403}, Verdict.STATUS),
    ({"status": 404}, Verdict.STATUS),
    ({"status": 416}, Verdict.STATUS),
    ({"status": 499}, Verdict.STATUS),
    ({"status": 503}, Verdict.STATUS),
    ({"status": 206}, Verdict.PIECE),
    ({"status": 206, "range": "bytes=0-"}, Verdict.COUNTED),
    ({"status": 206, "range": "bytes=0-1048575"}, Verdict.COUNTED),
    ({"status": 206, "range": "bytes=0-0"}, Verdict.PIECE),
    ({"status": 206, "range": "bytes=0-16383"}, Verdict.PIECE),
    ({"status": 206, "range": "bytes=5000-"}, Verdict.PIECE),
    ({"status": 206, "range": "bytes=-16384"}, Verdict.PIECE),
    ({"status": 206, "range": "pages=0-"}, Verdict.PIECE),
    ({"status": 200, "range": "bytes=5000-"}, Verdict.COUNTED),
    ({"path": f"{FILE}.metadata"}, Verdict.ELSEWHERE),
    ({"path": f"{FILE}.asc"}, Verdict.ELSEWHERE),
    ({"path": "/simple/six/"}, Verdict.ELSEWHERE),
    ({"agent": "Googlebot/2.1"}, Verdict.BOT),
    ({"agent": "Mozilla/5.0 Firefox/145.0"}, Verdict.COUNTED),
    ({"agent": "bandersnatch/8.2.0"}, Verdict.COUNTED),
    ({"agent": ""}, Verdict.COUNTED),
]


@pytest.mark.parametrize(("changed", "verdict"), TABLE, ids=[str(changed) for changed, _ in TABLE])
def test_rules(changed: dict[str, Any], verdict: Verdict) -> None:
    """Each rule by itself, for a request that would count but for one thing."""
    request = asked(**changed)
    assert judge(request, target_of(request.path), agent_of(request.agent), bots=False) is verdict


def test_bots_can_be_counted() -> None:
    """Who wants bots in the statistics has them."""
    assert judge(asked(), SIX, Agent("bot"), bots=True) is Verdict.COUNTED


# --- begun anew ----------------------------------------------------------------------------------------------------


def again(*requests: tuple[float, int, int]) -> list[bool]:
    """Which of requests, each a time, a number of bytes and a client, are called the continuation of one before."""
    recent = Recent()
    return [recent.is_again(asked(time=time, bytes=size, client=client), SIX) for time, size, client in requests]


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        ([(0, 500, 7), (5, 1000, 7)], [False, True]),
        ([(0, 10, 7), (5, 500, 7), (50, 1000, 7)], [False, True, True]),
        ([(0, 500, 7), (61, 1000, 7)], [False, False]),
        ([(0, 1000, 7), (1, 1000, 7)], [False, False]),
        ([(0, 1000, 7), (1, 500, 7)], [False, False]),
        ([(0, 500, 7), (5, 1000, 8)], [False, False]),
        ([(0, 500, 0), (5, 1000, 0)], [False, False]),
        ([(0, -1, 7), (5, 1000, 7)], [False, False]),
    ],
)
def test_begun_anew(requests: list[tuple[float, int, int]], expected: list[bool]) -> None:
    """A download that was cut off and begun anew is one; two whole ones, or of two clients, are two."""
    assert again(*requests) == expected


def test_other_files_and_agents() -> None:
    """Another file, or another agent, is another download."""
    recent = Recent()
    assert not recent.is_again(asked(bytes=1), SIX)
    assert not recent.is_again(asked(bytes=2), Target("six", "six-1.16.0.tar.gz"))
    assert not recent.is_again(asked(bytes=2, agent="curl/8"), SIX)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3), st.integers(1, 3))))
def test_never_more_than_asked_never_none(requests: list[tuple[float, int, int]]) -> None:
    """Of every client's requests for a file at least one is no continuation, in whatever order they come."""
    verdicts = again(*requests)
    first = {client: position for position, (_, _, client) in reversed(list(enumerate(requests)))}
    assert not any(verdicts[position] for position in first.values())


def test_what_is_remembered_is_bounded() -> None:
    """However many clients there are, no more than so many downloads are remembered."""
    recent = Recent()
    for client in range(1, REMEMBERED + 100):
        recent.is_again(asked(client=client), SIX)
    assert len(recent._known) == REMEMBERED


# --- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (FILE, SIX),
        (f"{FILE}?a=b", SIX),
        (f"/pypi{FILE}", SIX),
        (f"http://pypi.example.org{FILE}", SIX),
        (FILE.replace("six-1", "%73ix-1"), SIX),
        ("/packages/source/z/zope.interface/zope-5.0.tar.gz", Target("zope-interface", "zope-5.0.tar.gz")),
        ("/packages/2.7/F/Foo_Bar/Foo_Bar-1.0-py2.7.egg", Target("foo-bar", "Foo_Bar-1.0-py2.7.egg")),
        ("/packages/aa/bb/" + "c" * 60 + "/", None),
        ("/packages/aa/bb/" + "c" * 60 + "/index.html", None),
        ("/packages/aa/bb/" + "c" * 60 + "/..%2f..%2fetc-1.0.tar.gz", Target("etc", "etc-1.0.tar.gz")),
        ("/packages/aa/bb/" + "c" * 60 + "/%00-1.0.tar.gz", None),
        ("/packages/aa/bb/" + "c" * 60 + "/a%0d%0ab-1.0.tar.gz", None),
        ("/packages/aa/bb/" + "c" * 60 + "/=cmd-1.0.tar.gz", None),
        ("/simple/packages/", None),
        ("", None),
    ],
)  # fmt: skip
def test_paths(path: str, target: Target | None) -> None:
    """A path is about a distribution file, or about nothing that counts; nothing of it but names is kept."""
    assert target_of(path) == target


@pytest.mark.parametrize(
    ("filename", "project"),
    [
        ("six-1.17.0-py2.py3-none-any.whl", "six"),
        ("zope_interface-5.0-cp39-cp39-win32.whl", "zope-interface"),
        ("python-dateutil-2.8.2.tar.gz", "python-dateutil"),
        ("backports.zoneinfo-0.2.1.tar.gz", "backports-zoneinfo"),
        ("a-2-1.0.tar.gz", "a-2"),
        ("foo-1.0-1.tar.gz", "foo"),
        ("pywin32-219.win-amd64-py2.7.exe", "pywin32"),
        ("Foo-1.0.linux-x86_64.tar.gz", "foo"),
        ("foo-dev.tar.gz", "foo"),
        ("foo.tar.gz", None),
        ("-1.0.tar.gz", None),
    ],
)
def test_project_of_a_file(filename: str, project: str | None) -> None:
    """The project that a file name tells."""
    assert project_of(filename) == project


@given(st.text())
def test_any_path(path: str) -> None:
    """Any path is about a file with a good name, or about none."""
    for one in (target_of(path), target_of(f"/packages/{path}.whl")):
        assert one is None or "/" not in one.filename + one.project


def test_little_is_remembered_of_a_client() -> None:
    """What recognises a download that is begun anew keeps no text of a client's, however long that is."""
    recent = Recent()
    assert not recent.is_again(asked(agent="agent" * 1000), SIX)
    assert recent.is_again(asked(agent="agent" * 1000, bytes=2000), SIX)
    assert not recent.is_again(asked(agent="another", bytes=3000), SIX)
    assert "agent" not in repr(recent)

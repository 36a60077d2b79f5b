from __future__ import annotations

import base64

import pytest

from bandersnatch.testing import STATIC_COPY, UpstreamServer

from .client import ask

WHEEL = "foo_bar-1.0-py3-none-any.whl"

# path → (status, Location) at PyPI, at a static copy, and where nothing is redirected
ROUTES: dict[str, tuple[tuple[int, str | None], tuple[int, str | None], tuple[int, str | None]]] = {
    "/simple": ((301, "/simple/"), (308, "/simple/"), (404, None)),
    "/simple/": ((200, None),) * 3,
    "/simple/foo-bar": ((301, "/simple/foo-bar/"), (308, "/simple/foo-bar/"), (404, None)),
    "/simple/foo-bar/": ((200, None),) * 3,
    "/simple/foo-bar?a=b": ((301, "/simple/foo-bar/?a=b"), (308, "/simple/foo-bar/?a=b"), (404, None)),
    "/simple/Foo.Bar/": ((301, "/simple/foo-bar/"), (404, None), (404, None)),
    "/simple/Foo_Bar": ((301, "/simple/foo-bar/"), (404, None), (404, None)),
    "/simple/no-such-project/": ((404, None),) * 3,
    "/simple/-/": ((404, None),) * 3,
    "/simple/foo-bar%0A/": ((404, None),) * 3,
    "/pypi/foo-bar/json": ((200, None),) * 3,
    "/pypi/foo-bar/json/": ((301, "/pypi/foo-bar/json"), (404, None), (404, None)),
    "/pypi/Foo.Bar/json": ((301, "/pypi/foo-bar/json"), (404, None), (404, None)),
    "/pypi/foo-bar/1.0/json": ((200, None), (404, None), (200, None)),
    "/pypi/Foo.Bar/1.0/json": ((301, "/pypi/foo-bar/1.0/json"), (404, None), (404, None)),
    "/pypi/foo-bar/2.0/json": ((404, None),) * 3,
    "/pypi/nothing/json": ((404, None),) * 3,
    f"/integrity/foo-bar/1.0/{WHEEL}/provenance": ((200, None), (404, None), (200, None)),
    f"/integrity/foo-bar/1.1/{WHEEL}/provenance": ((404, None),) * 3,
    f"/integrity/Foo.Bar/1.0/{WHEEL}/provenance": ((404, None),) * 3,
    "/pypi": ((405, None),) * 3,
    "/packages/aa/bb/cc/foo.whl": ((404, None),) * 3,
    "/": ((404, None),) * 3,
}


@pytest.mark.parametrize("path", ROUTES)
def test_the_table_of_routes(server: UpstreamServer, path: str) -> None:
    """Every address that PyPI has answers as PyPI does, and as the lesser indexes do."""
    server.index.upload("Foo.Bar", "1.0", provenance=True)
    behaviours = (server.behaviour, STATIC_COPY, UpstreamServer(redirects="none").behaviour)
    for behaviour, expected in zip(behaviours, ROUTES[path], strict=True):
        server.behaviour = behaviour
        answer = ask(server, path)
        assert (answer.status, answer.headers.get("location")) == expected


@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/", "/pypi/foo/json"])
def test_head_has_the_headers_of_get(server: UpstreamServer, path: str) -> None:
    """HEAD tells what GET would send, length and all, without a body."""
    server.index.upload("foo", "1")
    head, get = ask(server, path, "HEAD"), ask(server, path)
    assert (head.status, head.body) == (200, b"")
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


@pytest.mark.parametrize(
    ("method", "path", "allow"), [("POST", "/simple/", "GET, HEAD"), ("DELETE", "/packages/x", "GET, HEAD, OPTIONS")]
)
def test_other_methods_are_not_allowed(server: UpstreamServer, method: str, path: str, allow: str) -> None:
    """405 with Allow, as RFC 9110 wants it."""
    answer = ask(server, path, method)
    assert (answer.status, answer.headers["allow"]) == (405, allow)


@pytest.mark.parametrize(
    ("auth", "good", "challenge"),
    [
        (("basic", "me", "s:cret"), "Basic " + base64.b64encode(b"me:s:cret").decode(), 'Basic realm="index"'),
        (("bearer", "token"), "Bearer token", "Bearer"),
    ],
)
def test_credentials_are_asked_for(auth: tuple[str, ...], good: str, challenge: str) -> None:
    """With *auth* every address answers 401 and a challenge, unless the credentials are right."""
    with UpstreamServer(auth=auth) as server:
        file = server.index.upload("foo", "1")
        for path in ("/simple/", file.path, "/nothing"):
            answer = ask(server, path)
            assert (answer.status, answer.headers["www-authenticate"]) == (401, challenge)
            assert ask(server, path, authorization="Basic bWU6d3Jvbmc=").status == 401
        assert ask(server, "/simple/", authorization=good).status == 200
        assert ask(server, file.path, authorization=good).body == file.content


def test_files_can_have_a_host_of_their_own(server: UpstreamServer) -> None:
    """Files then come from there alone, without credentials, and nothing else does."""
    file = server.index.upload("foo", "1")
    assert ask(server, server.files_url + file.path).status == 404
    server.behaviour = UpstreamServer(separate_files_host=True, auth=("bearer", "token")).behaviour
    assert ask(server, server.url_of(file)).body == file.content
    assert ask(server, file.path, authorization="Bearer token").status == 404
    assert ask(server, server.files_url + "/simple/").status == 404

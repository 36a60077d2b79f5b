"""One mirror for all tests that only read it, and the servers in front of it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bandersnatch.testing import UpstreamServer
from tests.peers import samples, servers
from tests.peers.mirrors import mirror
from tests.peers.servers import Site


@pytest.fixture
def tried() -> Callable[[str, str, str, str], None]:
    """Notes what came of a try (table, row, column, what) in the file that ``TRIED_REPORT`` names, if it names one."""

    def note(table: str, row: str, column: str, what: str) -> None:
        if report := os.environ.get("TRIED_REPORT"):
            line = {"table": table, "row": row, "column": column, "what": what}
            with Path(report).open("a") as stream:
                stream.write(json.dumps(line) + "\n")

    return note


@pytest.fixture(scope="session")
def upstream() -> Iterator[UpstreamServer]:
    """An upstream that nobody changes."""
    with UpstreamServer() as server:
        samples.fill(server.index)
        yield server


@pytest.fixture(scope="session")
def web(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published tree of a mirror of everything."""
    home = tmp_path_factory.mktemp("first")
    finished = mirror(home, upstream.url, settings='[publish]\nlegacy-json = "releases"\n')
    assert (finished["behind"], finished["skipped"]) == (0, 0)
    return home / "mirror/web"


@pytest.fixture(scope="session")
def sites(web: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    with contextlib.ExitStack() as stack:
        yield Sites(web, tmp_path_factory.mktemp("servers"), stack)


class Sites:
    """The servers by name, each begun when it is first asked for."""

    def __init__(self, web: Path, home: Path, stack: contextlib.ExitStack) -> None:
        self._web, self._home, self._stack = web, home, stack
        self._running: dict[str, Site] = {}

    def __getitem__(self, name: str) -> Site:
        if name not in self._running:
            self._running[name] = self._stack.enter_context(self._start(name))
        return self._running[name]

    def _start(self, name: str) -> contextlib.AbstractContextManager[Site]:
        home = self._home / name
        if name == "python":
            return servers.python(self._web, home)
        if name == "caddy":
            return servers.caddy(self._web, home, servers.documented_caddy())
        text = servers.documented_nginx() if name == "nginx" else servers.plainest_nginx()
        return servers.nginx(self._web, home, text)


@pytest.fixture(params=["nginx", "caddy"])
def site(request: pytest.FixtureRequest, sites: Sites) -> Site:
    """Each server that the pages configure in full."""
    return sites[request.param]


@pytest.fixture
def nginx(sites: Sites) -> Site:
    """The documented nginx, which has a log."""
    nginx = sites["nginx"]
    nginx.forget()
    return nginx


@pytest.fixture(params=["nginx", "caddy", "plain", "python"])
def any_site(request: pytest.FixtureRequest, sites: Sites) -> Site:
    """Each server of the pages, the plainest too, and Python's own."""
    return sites[request.param]


@pytest.fixture
def site_name(request: pytest.FixtureRequest) -> str:
    """What ``any_site`` is called on the page of what was tried."""
    names = {"nginx": "nginx", "caddy": "Caddy", "plain": "nginx, as plain as can be", "python": "Python's http.server"}
    return names[request.node.callspec.params["any_site"]]

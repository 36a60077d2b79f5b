from __future__ import annotations

import xmlrpc.client
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bandersnatch.testing import UpstreamServer

from .client import ask


@pytest.fixture
def proxy(server: UpstreamServer) -> Iterator[Any]:
    """A client of the server's XML-RPC, typed as what it is: anything."""
    with xmlrpc.client.ServerProxy(f"{server.url}/pypi", allow_none=True) as client:
        yield client


def test_changelog_gives_rows_in_order(server: UpstreamServer, proxy: Any) -> None:
    """Rows are [name, version or nil, time, action, serial], after the serial that was given."""
    server.index.upload("Foo.Bar", "1")
    assert proxy.changelog_since_serial(1) == [
        ["Foo.Bar", "1", 1_577_836_802, "new release", 2],
        ["Foo.Bar", "1", 1_577_836_803, "add py3 file foo_bar-1-py3-none-any.whl", 3],
    ]
    assert proxy.changelog_since_serial(0)[0] == ["Foo.Bar", None, 1_577_836_801, "create", 1]
    assert proxy.changelog_since_serial(3) == []
    assert proxy.changelog_last_serial() == 3


def test_changelog_is_capped(server: UpstreamServer, proxy: Any) -> None:
    """A call returns no more than so many rows; calling on from the last one gives them all."""
    server.behaviour = replace(server.behaviour, changelog_limit=2)
    server.index.upload("foo", "1")
    assert [row[-1] for row in proxy.changelog_since_serial(0)] == [1, 2]
    assert [row[-1] for row in proxy.changelog_since_serial(2)] == [3]


def test_list_includes_quarantined_projects(server: UpstreamServer, proxy: Any) -> None:
    """Unlike /simple/, list_packages_with_serial has projects in quarantine; removed ones it has not."""
    server.index.upload("Foo.Bar", "1")
    server.index.create("gone")
    server.index.quarantine("foo-bar")
    server.index.remove_project("gone")
    assert proxy.list_packages_with_serial() == {"Foo.Bar": 5}


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("changelog", (1,), -32500),
        ("list_packages", (), -32500),
        ("system.multicall", ([],), -32500),
        ("no_such_method", (), -32601),
        ("changelog_since_serial", ("1",), -32602),
        ("changelog_since_serial", (True,), -32602),
        ("changelog_since_serial", (), -32602),
        ("changelog_last_serial", (1,), -32602),
    ],
)
def test_faults_are_those_of_pypi(proxy: Any, method: str, arguments: tuple[Any, ...], code: int) -> None:
    """Retired and unknown methods and arguments of another type are faults, each with its code."""
    with pytest.raises(xmlrpc.client.Fault) as caught:
        getattr(proxy, method)(*arguments)
    assert caught.value.faultCode == code


@pytest.mark.parametrize("path", ["/pypi", "/pypi/", "/RPC2"])
def test_rubbish_is_a_fault_at_every_address(server: UpstreamServer, path: str) -> None:
    """XML-RPC has three addresses; what is not XML gets a fault too."""
    answer = ask(server, path, "POST", b"rubbish")
    with pytest.raises(xmlrpc.client.Fault, match="parse error"):
        xmlrpc.client.loads(answer.body.decode())


def test_feed_can_be_off(server: UpstreamServer, proxy: Any) -> None:
    """changelog=False: 404, as static copies answer."""
    server.behaviour = replace(server.behaviour, changelog=False)
    with pytest.raises(xmlrpc.client.ProtocolError) as caught:
        proxy.changelog_last_serial()
    assert caught.value.errcode == 404

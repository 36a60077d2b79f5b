"""A host that upstream chose is asked only where it is a public one, at the address that was looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bandersnatch.errors import NotAllowed, NotFound
from bandersnatch.testing import UpstreamServer
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.client import Client
from bandersnatch.upstream.pacing import Transient
from bandersnatch.upstream.resolving import Resolving
from tests.upstream.asking import FakeTime, get, settings

PUBLIC = "93.184.216.34"
OWN = "own.example"
FILES = "files.example"


class Names:
    """A DNS of two names."""

    def __init__(self, own: str, *files: str) -> None:
        self.known = {OWN: [own], FILES: list(files)}
        self.asked: list[str] = []

    async def __call__(self, address: Address) -> Sequence[str]:
        self.asked.append(address.host)
        if not self.known[address.host]:
            raise OSError("no such name")
        return self.known[address.host]


def ask(server: UpstreamServer, names: Names, *, times: int = 1, learned: bool = True, **changes: object) -> int:
    """How many requests reached the server, whose port the file host is said to have."""
    port = server.url.rpartition(":")[2]

    async def main() -> None:
        client = Client(settings(f"http://{OWN}/", allow_http=True, **changes), FakeTime().clock(), names)
        if learned:
            client.hosts.learn(f"http://{FILES}:{port}/a.whl")
        try:
            for _ in range(times):
                await get(client, f"http://{FILES}:{port}/simple/")
        finally:
            await client.close()

    asyncio.run(main())
    return server.count("/simple/")


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["::1"],
        ["fe80::1%eth0"],
        ["fd00::1"],
        ["::ffff:127.0.0.1"],
        ["2002:7f00:1::"],
        ["2002:a00:1::1"],
        ["64:ff9b::a9fe:a9fe"],
        ["64:ff9b::a00:1"],
        ["64:ff9b:1::808:808"],
        ["64:ff9b:1:a00:0:100::"],
        ["::7f00:1"],
        ["::ffff:0:127.0.0.1"],
        ["2001:0:808:808:0:0:f5ff:fffe"],
        ["2001:4860::5efe:10.0.0.1"],
        ["2001:4860::200:5efe:10.0.0.1"],
        ["fec0::1"],
        ["ff0e::1"],
        ["0.0.0.0"],
        ["100.64.0.1"],
        ["224.0.0.1"],
        [PUBLIC, "192.168.0.1"],
    ],
)
def test_learned(server: UpstreamServer, addresses: list[str]) -> None:
    """A learned host of which any address is private is not asked, and the message says what would allow it."""
    with pytest.raises(
        NotAllowed, match=r"not a public address; \[upstream\] file-hosts = \['files.example:"
    ) as caught:
        ask(server, Names(PUBLIC, *addresses))
    assert "resolves to" in str(caught.value)
    assert server.requests == []


@pytest.mark.parametrize("address", ["64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8", "2001:4860::1"])
def test_translated_to_a_public_address(address: str) -> None:
    """Where a network translates, what it reaches is as public as it is without."""

    async def main() -> str:
        resolving = Resolving(Address.parse(f"https://{OWN}/"), settings(f"https://{OWN}/"), Names(PUBLIC, address))
        return await resolving.public(Address.parse(f"https://{FILES}/"))

    assert asyncio.run(main()) == address


def test_where_upstream_is_private_too(server: UpstreamServer) -> None:
    """An upstream inside may have its files inside; they are asked where the name was seen to be, looked up once."""
    names = Names("10.0.0.1", "127.0.0.1")
    assert ask(server, names, times=3) == 3
    assert names.asked == [FILES, OWN]


def test_what_the_operator_wrote(server: UpstreamServer) -> None:
    """A host that the operator named is his word: nobody looks where it is."""
    port = server.url.rpartition(":")[2]
    names = Names(PUBLIC, "127.0.0.1")
    with pytest.raises(Transient, match="DNS"):  # the name exists in this test only
        ask(server, names, learned=False, file_hosts=(f"{FILES}:{port}",))
    assert names.asked == []


def test_no_such_name(server: UpstreamServer) -> None:
    """A name that does not resolve is a failure that may pass."""
    with pytest.raises(Transient, match="cannot be resolved"):
        ask(server, Names(PUBLIC))


def test_moved(server: UpstreamServer) -> None:
    """A host that does not answer any more where it was is looked up again."""
    names, time = Names("10.0.0.1", "127.0.0.2"), FakeTime()
    url = f"http://{FILES}:{server.url.rpartition(':')[2]}/simple/"

    async def main() -> None:
        client = Client(settings(f"http://{OWN}/", allow_http=True), time.clock(), names)
        client.hosts.learn(url)
        for passed in (0.0, 59.0, 1.0):
            time.seconds += passed
            with pytest.raises(Transient, match="refused"):
                await get(client, url)  # nobody listens at 127.0.0.2
        assert names.asked == [FILES, OWN]
        names.known[FILES] = ["127.0.0.1"]
        await get(client, url)
        assert names.asked == [FILES, OWN, FILES]
        await client.close()

    asyncio.run(main())


def test_behind_a_proxy(server: UpstreamServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a proxy resolves the names, nobody here asks for them."""
    names = Names(PUBLIC, "127.0.0.1")
    monkeypatch.setenv("HTTP_PROXY", server.url)
    with pytest.raises(NotFound):  # the fake index is no proxy, but it was asked
        ask(server, names)
    assert names.asked == []

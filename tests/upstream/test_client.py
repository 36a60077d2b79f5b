from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bandersnatch.errors import NotAllowed, NotFound, UpstreamError, UsageError
from bandersnatch.testing import (
    Body,
    Certificates,
    Cut,
    Drip,
    Fault,
    HttpProxy,
    Raw,
    Redirect,
    Reset,
    SocksProxy,
    Stall,
    Status,
    UpstreamServer,
)
from bandersnatch.upstream.client import Client
from bandersnatch.upstream.credentials import Credentials
from bandersnatch.upstream.pacing import Transient
from tests.upstream.asking import FakeTime, ask_client, get, settings

TEXT = Body(b"hello", "text/plain")


# --- connections -----------------------------------------------------------------------------------------------------


def test_few_connections_are_kept_and_used_again() -> None:
    """With HTTP/1.1, many requests share ``connections`` connections, which stay open between them."""
    together, busy, most = asyncio.Barrier(4), 0, 0
    opened: list[int] = []

    async def answer(writer: asyncio.StreamWriter) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await together.wait()  # fewer than 4 at a time would hang here, more would be counted
        busy -= 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    async def main() -> None:
        async with _serving(answer, opened) as url:
            client = Client(settings(url, connections=4))
            await asyncio.gather(*(get(client, f"{url}/{number}") for number in range(40)))
            await client.close()

    asyncio.run(main())
    assert (len(opened), most) == (4, 4)


def test_an_error_leaves_its_connection_usable() -> None:
    """The small body of an unwanted answer is read, so that asking for what is not there costs no connection."""
    opened: list[int] = []

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0)
        writer.write(b"no\n")

    async def main() -> None:
        async with _serving(answer, opened) as url:
            client = Client(settings(url))
            for _ in range(5):
                with pytest.raises(NotFound):
                    await get(client, url)
            await client.close()

    asyncio.run(main())
    assert len(opened) == 1


def test_a_host_that_stops_speaking_http2_is_asked_as_before(certificates: Certificates) -> None:
    """A balancer can hide servers of both kinds: what fails in HTTP/2 is tried again without insisting on it."""

    async def question(client: Client) -> tuple[int, bytes]:
        client.pacer.note(client.hosts.own.place, multiplexed=True)
        return await client.pacer.persist(lambda: get(client, server.url))

    with UpstreamServer(tls=certificates) as server:
        server.fault("*", TEXT, times=None)
        assert ask_client(server.url, question, ca_file=certificates.authority) == (200, b"hello")


def test_says_who_we_are(server: UpstreamServer) -> None:
    """Every request carries the configured User-Agent and no Referer or cookie."""
    server.fault("/a", Redirect("/b"))
    server.fault("/b", TEXT)
    ask_client(server.url, lambda client: get(client, f"{server.url}/a"))
    for request in server.requests:
        assert request.headers["user-agent"] == "bandersnatch-tests"
        assert not {"referer", "cookie"} & set(request.headers)


# --- redirects -------------------------------------------------------------------------------------------------------


def test_follows_redirects_and_says_where_it_got(server: UpstreamServer) -> None:
    """Up to three redirects, relative or absolute, are followed to the final address."""
    for hop in range(3):
        server.fault(f"/{hop}", Redirect(f"{hop + 1}" if hop % 2 else f"{server.url}/{hop + 1}", 308 if hop else 301))
    server.fault("/3", TEXT)

    async def question(client: Client) -> str:
        async with client.get(f"{server.url}/0") as response:
            return str(response.url)

    assert ask_client(server.url, question) == f"{server.url}/3"


def test_does_not_follow_redirects_for_ever(server: UpstreamServer) -> None:
    """A fourth redirect is an error."""
    server.fault("/loop", Redirect("/loop"), times=None)
    with pytest.raises(UpstreamError, match="more than 3 redirects"):
        ask_client(server.url, lambda client: get(client, f"{server.url}/loop"))
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("https://evil.example/a", "not a host of this upstream"),
        ("http://169.254.169.254/latest/meta-data", "plain http"),
        ("http://127.0.0.1:1/", "not a host of this upstream"),
        ("http://evil.example/", "plain http"),
        ("file:///etc/passwd", "redirects to nowhere"),
        ("https://me:secret@127.0.0.1/", "redirects to nowhere"),
    ],
)
def test_every_hop_is_checked(server: UpstreamServer, target: str, message: str) -> None:
    """A redirect to a host that is not allowed, or to no http(s) URL, is refused before anything is asked there."""
    server.fault("/a", Redirect(target))
    with pytest.raises(UpstreamError, match=message):
        ask_client(server.url, lambda client: get(client, f"{server.url}/a"), file_hosts=("files.example",))
    assert len(server.requests) == 1


def test_never_from_https_to_http(certificates: Certificates) -> None:
    """Even where plain http is allowed, and the host too, a redirect does not take the encryption away."""
    with UpstreamServer() as plain, UpstreamServer(tls=certificates) as server:
        server.fault("/a", Redirect(f"{plain.url}/b"))
        host = plain.url.removeprefix("http://")
        with pytest.raises(NotAllowed, match="from https to plain http"):
            ask_client(
                server.url,
                lambda client: get(client, f"{server.url}/a"),
                ca_file=certificates.authority,
                allow_http=True,
                file_hosts=(host,),
            )
        assert plain.requests == []


def test_a_redirect_must_say_where(server: UpstreamServer) -> None:
    """A redirect without a Location that can be read is an error."""
    server.fault("/a", Raw(b"HTTP/1.1 302 Found\r\nLocation: /caf\xe9\r\nContent-Length: 0\r\n\r\n"))
    with pytest.raises(UpstreamError, match="redirects to nowhere"):
        ask_client(server.url, lambda client: get(client, f"{server.url}/a"))


# --- credentials -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("credentials", [Credentials("hunter2", "me"), Credentials("hunter2")])
def test_credentials_go_to_upstream_only(server: UpstreamServer, credentials: Credentials) -> None:
    """Authorization is sent to upstream's own origin and to no file host, redirected or asked directly."""
    with UpstreamServer() as other:
        server.fault("/a", Redirect(f"{other.url}/b"))
        other.fault("*", TEXT, times=None)
        host = other.url.removeprefix("http://")

        async def question(client: Client) -> None:
            await get(client, f"{server.url}/a")
            await get(client, f"{other.url}/c")

        ask_client(server.url, question, credentials=credentials, file_hosts=(host,))
        assert server.requests[0].headers["authorization"] == credentials.authorization
        assert [request.path for request in other.requests] == ["/b", "/c"]
        assert not any("authorization" in request.headers for request in other.requests)


@pytest.mark.parametrize(
    ("auth", "credentials"),
    [(("basic", "me", "pässword"), Credentials("pässword", "me")), (("bearer", "abc"), Credentials("abc"))],
)
def test_a_closed_index_opens(auth: object, credentials: Credentials) -> None:
    """With the right credentials it answers, without them the error says what is missing."""
    with UpstreamServer(auth=auth) as server:
        server.index.create("foo")
        assert ask_client(server.url, lambda c: get(c, f"{server.url}/simple/"), credentials=credentials)[0] == 200
        with pytest.raises(UpstreamError, match=r"wants credentials.*401"):
            ask_client(server.url, lambda c: get(c, f"{server.url}/simple/"))


# --- TLS -------------------------------------------------------------------------------------------------------------


def test_an_untrusted_authority_is_named_as_the_problem(certificates: Certificates) -> None:
    """The message says what to set, and it is not tried again."""
    with (
        UpstreamServer(tls=certificates) as server,
        pytest.raises(UpstreamError, match=r"not trusted: set SSL_CERT_FILE or \[upstream\] ca-file") as caught,
    ):
        ask_client(server.url, lambda client: get(client, server.url))
    assert not isinstance(caught.value, Transient)


@pytest.mark.parametrize("way", ["ca_file", "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_an_authority_can_be_added(
    way: str, certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the setting, and by the variables that all programs know."""
    changes: dict[str, Any] = {}
    if way == "ca_file":
        changes["ca_file"] = certificates.authority
    elif way == "SSL_CERT_FILE":
        monkeypatch.setenv(way, str(certificates.authority))
    else:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        monkeypatch.setenv(way, str(tmp_path))
        (tmp_path / "ca.pem").write_bytes(certificates.authority.read_bytes())
        (tmp_path / f"{_subject_hash(certificates.authority)}.0").symlink_to("ca.pem")
    with UpstreamServer(tls=certificates) as server:
        server.fault("*", TEXT)
        assert ask_client(server.url, lambda client: get(client, server.url), **changes) == (200, b"hello")


def test_all_certificates_of_a_bundle_count(certificates: Certificates, tmp_path: Path) -> None:
    """A ca-file can hold several authorities."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(certificates.client.read_bytes() + certificates.authority.read_bytes())
    with UpstreamServer(tls=certificates) as server:
        server.fault("*", TEXT)
        assert ask_client(server.url, lambda client: get(client, server.url), ca_file=bundle) == (200, b"hello")


def test_a_client_certificate_opens_what_wants_one(certificates: Certificates, tmp_path: Path) -> None:
    """It is shown to who asks for one; without it the failure is an UpstreamError."""
    both = tmp_path / "client.pem"
    both.write_bytes(certificates.client.read_bytes() + certificates.client_key.read_bytes())
    trust: dict[str, Any] = {"ca_file": certificates.authority}
    with UpstreamServer(tls=certificates, require_client_certificate=True) as server:
        server.fault("*", TEXT, times=None)
        answer = ask_client(server.url, lambda client: get(client, server.url), client_certificate=both, **trust)
        assert answer == (200, b"hello")
        with pytest.raises(UpstreamError):
            ask_client(server.url, lambda client: get(client, server.url), **trust)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, False),
        ({"proxy": "http://127.0.0.1:1"}, False),
        ({"download_mirrors": ("{other}/",)}, False),
        ({"file_hosts": ("{host}",)}, True),
        ({"page_hosts": ("{host}",)}, True),
    ],
    ids=["learned", "learned, through a proxy", "download mirror", "file host", "page host"],
)
def test_a_client_certificate_is_for_the_index(
    certificates: Certificates, tmp_path: Path, changes: dict[str, Any], *, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upstream's own host sees it, and the hosts that the operator names for the index; nobody else."""
    both = tmp_path / "client.pem"
    both.write_bytes(certificates.client.read_bytes() + certificates.client_key.read_bytes())
    with (
        UpstreamServer(tls=certificates, require_client_certificate=True) as server,
        UpstreamServer(tls=certificates, require_client_certificate=True) as other,
    ):
        for one in (server, other):
            one.fault("*", TEXT, times=None)
        host = other.url.removeprefix("https://")
        if "proxy" in changes:  # which is not used for this machine, but nobody resolves names here then
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        said: dict[str, Any] = {
            key: value if isinstance(value, str) else tuple(one.format(other=other.url, host=host) for one in value)
            for key, value in changes.items()
        }

        async def question(client: Client) -> None:
            client.hosts.learn(f"{other.url}/a")
            assert (await get(client, f"{server.url}/a"))[0] == 200
            await get(client, f"{other.url}/a")

        def ask() -> None:
            ask_client(server.url, question, client_certificate=both, ca_file=certificates.authority, **said)

        if shown:
            ask()
        else:
            with pytest.raises(UpstreamError):
                ask()
        assert (other.requests != []) is shown


def test_unusable_certificate_files_are_the_operators_problem(certificates: Certificates, tmp_path: Path) -> None:
    """A missing file, one without a certificate, and one without its key are refused, with file and key."""
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for changes, message in (
        ({"ca_file": tmp_path / "missing.pem"}, r"missing\.pem.*ca-file.*No such file"),
        ({"ca_file": empty}, r"empty\.pem.*ca-file.*no PEM certificate"),
        ({"client_certificate": certificates.client}, r"client\.pem.*client-certificate.*certificate and key|both"),
    ):
        with pytest.raises(UsageError, match=message):
            Client(settings("https://example.org", **changes))


def test_a_machine_without_authorities_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where there is no certificate store at all, the message says how to get one."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with pytest.raises(UsageError, match="ca-certificates"):
        Client(settings("https://example.org"))


# --- proxies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
@pytest.mark.parametrize("how", ["setting", "environment", "ALL_PROXY"])
def test_proxies_of_every_kind(
    tls: bool,
    kind: type[HttpProxy | SocksProxy],
    how: str,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """HTTP (forwarding and CONNECT) and SOCKS 5 proxies with credentials, as configured and from the environment."""
    changes: dict[str, Any] = {"ca_file": certificates.authority}
    with UpstreamServer(tls=certificates if tls else None) as server, kind(("me", "hunter2")) as proxy:
        server.fault("*", TEXT)
        url = proxy.url.replace("://", "://me:hunter2@")
        if how == "setting":
            changes["proxy"] = url
        elif how == "ALL_PROXY":
            monkeypatch.setenv("ALL_PROXY", url)
        else:
            monkeypatch.setenv("https_proxy" if tls else "http_proxy", url)
        assert ask_client(server.url, lambda client: get(client, server.url), **changes) == (200, b"hello")
        assert proxy.connections == 1


@pytest.mark.parametrize("how", ["setting", "environment"])
def test_no_proxy_goes_past_the_proxy(server: UpstreamServer, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts in NO_PROXY are asked directly, whoever named the proxy."""
    server.fault("*", TEXT)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with HttpProxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        ask_client(server.url, lambda client: get(client, server.url), proxy=proxy.url if how == "setting" else None)
        assert proxy.connections == 0


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
@pytest.mark.parametrize("tls", [False, True])
def test_a_proxy_that_refuses_us_is_named(
    kind: type[HttpProxy | SocksProxy], tls: bool, certificates: Certificates
) -> None:
    """Wrong credentials for the proxy are told from wrong ones for upstream, and not repeated."""
    with UpstreamServer(tls=certificates if tls else None) as server, kind(("me", "right")) as proxy:
        with pytest.raises(UpstreamError, match="the proxy") as caught:
            ask_client(
                server.url,
                lambda client: get(client, server.url),
                ca_file=certificates.authority,
                proxy=proxy.url.replace("://", "://me:hunter2@"),
            )
        assert "hunter2" not in str(caught.value)
        assert server.requests == []


@pytest.mark.parametrize("proxy", ["nonsense://me:hunter2@127.0.0.1", "http://me:hunter2@[", "me:hunter2"])
def test_a_proxy_url_that_is_none_is_refused(proxy: str) -> None:
    """The operator is told the key, and not the password."""
    with pytest.raises(UsageError, match="proxy") as caught:
        Client(settings("https://example.org", proxy=proxy))
    assert "hunter2" not in str(caught.value)


# --- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Reset(None), "reset|cut"),
        (Reset(2), "reset|cut"),
        (Cut(2), "cut before the answer was whole"),
        (Stall(None), "no bytes for 0.2 s"),
        (Stall(2), "no bytes for 0.2 s"),
        (Raw(b"GARBAGE\r\n\r\n"), "not HTTP|reset"),
        (Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), "cut before the answer was whole"),
        (Raw(b""), "cut before the answer was whole"),
        (Status(500), r"upstream has a fault \(500\)"),
        (Status(503), r"upstream has a fault \(503\)"),
        (Status(429), r"slow down \(429\)"),
        (Status(408), r"\(408\)"),
    ],
)
def test_what_may_pass_is_transient(server: UpstreamServer, fault: Fault, message: str) -> None:
    """Broken connections, silence and upstream's own faults may pass, and the message says what happened where."""
    server.index.create("foo")
    server.fault("/simple/", fault)
    with pytest.raises(Transient, match=message) as caught:
        ask_client(server.url, lambda client: get(client, f"{server.url}/simple/?token=hunter2"), timeout=0.2)
    assert str(caught.value).startswith(f"{server.url}/simple/?***: ")
    assert "hunter2" not in f"{caught.value} {caught.value.url}"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFound), (410, NotFound), (400, UpstreamError), (403, UpstreamError), (451, UpstreamError)],
)
def test_what_will_not_pass_is_not_transient(server: UpstreamServer, status: int, kind: type[UpstreamError]) -> None:
    """404 and 410 are NotFound; other refusals are errors that another try would not cure."""
    server.fault("/a", Status(status))
    with pytest.raises(kind, match=str(status)) as caught:
        ask_client(server.url, lambda client: get(client, f"{server.url}/a"))
    assert type(caught.value) is kind
    assert caught.value.status == status


def test_nobody_listens() -> None:
    """A refused connection says so."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with pytest.raises(Transient, match="connection refused"):
        ask_client(url, lambda client: get(client, url))


def test_tls_where_there_is_none(server: UpstreamServer) -> None:
    """https to a port that speaks http says so."""
    url = server.url.replace("http:", "https:")
    with pytest.raises(UpstreamError, match="does not speak TLS"):
        ask_client(url, lambda client: get(client, url))


def test_a_drip_is_too_slow(server: UpstreamServer) -> None:
    """A body whose bytes keep coming, but fewer than the minimum rate over 30 s, is given up."""
    server.index.create("foo")
    server.fault("/simple/", Drip(delay=0.001))
    time = FakeTime(step=10.0)
    with pytest.raises(Transient, match="slower than 1024 bytes per second"):
        ask_client(server.url, lambda client: get(client, f"{server.url}/simple/"), time, minimum_rate=1024)


def test_a_slow_reader_is_not_a_slow_upstream(server: UpstreamServer) -> None:
    """What we wait for our own bandwidth is not held against upstream."""
    server.fault("/a", Body(bytes(500_000), "text/plain"))
    time = FakeTime()
    status, body = ask_client(server.url, lambda client: get(client, f"{server.url}/a"), time, bandwidth=1000)
    assert (status, len(body)) == (200, 500_000)
    assert sum(time.slept) >= 499


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_makes_all_requests_wait(server: UpstreamServer, form: str) -> None:
    """After a 503 with Retry-After no request to that host begins before its time has come."""
    time = FakeTime()
    server.fault("/a", Status(503, retry_after=77 if form == "seconds" else "Tue, 19 Jan 2038 03:14:07 GMT"))
    server.fault("/b", TEXT)

    async def question(client: Client) -> float:
        with pytest.raises(Transient):
            await get(client, f"{server.url}/a")
        start = time.seconds
        await get(client, f"{server.url}/b")
        return time.seconds - start

    assert ask_client(server.url, question, time) == pytest.approx(77 if form == "seconds" else 900)


def test_being_cancelled_frees_the_turn(server: UpstreamServer) -> None:
    """A task that is cancelled, waiting for the head or for bytes, leaves its place to the next."""
    server.index.create("foo")
    server.fault("/simple/", Stall(None))
    server.fault("/simple/foo/", Stall(2))
    server.fault("/ok", TEXT)

    async def question(client: Client) -> tuple[int, bytes]:
        for path in ("/simple/", "/simple/foo/"):
            task = asyncio.create_task(get(client, f"{server.url}{path}"))
            while not server.count(path):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return await get(client, f"{server.url}/ok")

    assert ask_client(server.url, question, connections=1) == (200, b"hello")


def test_no_cancellation_is_lost() -> None:
    """However a cancellation falls together with an answer, the task ends by it or has ended before."""
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab"

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(whole)
        await writer.drain()
        writer.write(b"cd")

    async def ended(task: asyncio.Task[tuple[int, bytes]]) -> bool:
        try:
            await task
        except asyncio.CancelledError:
            return True
        return not task.cancelling()

    async def main() -> list[bool]:
        async with _serving(answer, []) as url:
            client, outcomes = Client(settings(url)), []
            for turns in range(300):
                task = asyncio.create_task(get(client, url))
                for _ in range(turns % 100):
                    await asyncio.sleep(0)
                task.cancel()
                outcomes.append(await ended(task))
            await client.close()
            return outcomes

    assert all(asyncio.run(main()))


def test_after_close_requests_fail_politely(server: UpstreamServer) -> None:
    """A client that was closed raises an UpstreamError."""

    async def question(client: Client) -> None:
        await client.close()
        await get(client, server.url)

    with pytest.raises(UpstreamError, match="closed"):
        ask_client(server.url, question)


# --- helpers ---------------------------------------------------------------------------------------------------------


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _serving(answer: Answer, opened: list[int]) -> AsyncIterator[str]:
    """A server that answers each request with *answer*, and notes each connection in *opened*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(len(opened))
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await answer(writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()  # and no more: from Python 3.12 on, to wait would be to wait for connections that are kept open


def _subject_hash(certificate: Path) -> str:
    with os.popen(f"openssl x509 -hash -noout -in {certificate}") as output:
        return output.read().strip()

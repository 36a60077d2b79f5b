"""Nothing that is shown, logged or raised holds a secret."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator

import pytest

from bandersnatch.errors import BandersnatchError
from bandersnatch.testing import Cut, Fault, HttpProxy, Raw, Redirect, Reset, Stall, Status, UpstreamServer
from bandersnatch.upstream.client import Client
from bandersnatch.upstream.credentials import Credentials
from tests.upstream.asking import ask_client, get, settings

SECRET = "hunter2"


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


def shown(error: BaseException) -> str:
    """All that a traceback, and whoever looks at the error's attributes, gets to see."""
    lines = "".join(traceback.format_exception(error))
    # The lines of source in a traceback are the test's own.
    said = [line for line in lines.splitlines() if not line.startswith("    ")]
    return "\n".join(said) + repr(getattr(error, "url", "")) + repr(error)


def test_settings_do_not_show_them() -> None:
    """Neither credentials nor the proxy's password stand in the representation of settings."""
    value = settings("https://example.org", credentials=Credentials(SECRET, "me"), proxy=f"http://me:{SECRET}@p:1")
    assert SECRET not in repr(value) + str(value)


@pytest.mark.parametrize(
    "fault",
    [
        Cut(2),
        Reset(None),
        Stall(None),
        Stall(2),
        Status(401),
        Status(404),
        Status(500),
        Raw(b"GARBAGE\r\n\r\n"),
        Redirect(f"https://me:{SECRET}@evil.example/?{SECRET}"),
        Redirect(f"https://evil.example/?{SECRET}#{SECRET}"),
        Redirect(f"/gone?{SECRET}"),
    ],
)
def test_errors_do_not_show_them(
    server: UpstreamServer, fault: Fault, everything_logged: pytest.LogCaptureFixture
) -> None:
    """Whatever fails, no credentials and no query show: in the message, the attributes, the causes, the log."""
    server.index.create("foo")
    server.fault("/simple/", fault)
    with pytest.raises(BandersnatchError) as caught:
        ask_client(
            server.url,
            lambda client: get(client, f"{server.url}/simple/?token={SECRET}"),
            credentials=Credentials(SECRET, "me"),
            timeout=0.2,
        )
    assert SECRET not in shown(caught.value)
    assert SECRET not in everything_logged.text


@pytest.mark.parametrize("how", ["setting", "environment"])
def test_a_failing_proxy_does_not_show_its_password(
    server: UpstreamServer, how: str, monkeypatch: pytest.MonkeyPatch, everything_logged: pytest.LogCaptureFixture
) -> None:
    """Neither where it refuses us nor where nobody listens."""

    def ask(proxy: HttpProxy) -> None:
        url = proxy.url.replace("://", f"://me:{SECRET}@")
        monkeypatch.setenv("HTTP_PROXY", url)
        with pytest.raises(BandersnatchError) as caught:
            ask_client(server.url, lambda c: get(c, server.url), proxy=url if how == "setting" else None)
        assert SECRET not in shown(caught.value)

    with HttpProxy(("me", "right")) as proxy:
        ask(proxy)
    ask(proxy)
    assert SECRET not in everything_logged.text


def test_a_client_does_not_show_them() -> None:
    """The representation of a client has no secrets either."""
    client = Client(settings("https://example.org", credentials=Credentials(SECRET), proxy=f"http://me:{SECRET}@p:1"))
    assert SECRET not in repr(client) + repr(vars(client))

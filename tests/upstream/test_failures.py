from __future__ import annotations

import pytest

from bandersnatch.errors import NotFound, UpstreamError
from bandersnatch.upstream.failures import from_causes, from_status
from bandersnatch.upstream.pacing import Transient

URL = "https://example.org/a"


@pytest.mark.parametrize(
    ("cause", "message", "kind"),
    [
        ("invalid peer certificate: UnknownIssuer", "set SSL_CERT_FILE or [upstream] ca-file", UpstreamError),
        ("invalid peer certificate: certificate expired: verification time 1", "has expired", UpstreamError),
        ('invalid peer certificate: certificate not valid for name "a"', "for another host", UpstreamError),
        ("invalid peer certificate: BadSignature", "certificate is not valid", UpstreamError),
        ("received fatal alert: CertificateRequired", "[upstream] client-certificate", UpstreamError),
        ("received corrupt message of type InvalidContentType", "does not speak TLS", UpstreamError),
        ("proxy authorization required", "[upstream] proxy", UpstreamError),
        ("unsuccessful tunnel", "the proxy could not reach the host", Transient),
        ("failed to lookup address information: Name or service not known", "(DNS)", Transient),
        ("Connection refused (os error 111)", "connection refused", Transient),
        ("No route to host (os error 113)", "no route", Transient),
        ("Connection reset by peer (os error 104)", "was reset", Transient),
        ("end of file before message length reached", "cut before the answer was whole", Transient),
        ("invalid HTTP version parsed", "not HTTP", Transient),
        ("something new", "something new", Transient),
    ],
)
def test_causes_are_told_in_words_that_help(cause: str, message: str, kind: type[UpstreamError]) -> None:
    """The message says what happened and what to do, and the kind whether another try may help."""
    error = from_causes(URL, ["error sending request", cause], timed_out=False, seconds=1)
    assert str(error).startswith(f"{URL}: ")
    assert message in str(error)
    assert type(error) is kind


def test_an_unknown_failure_does_not_quote_the_url() -> None:
    """The library's text has the URL with its query; what is left of it names no secret."""
    error = from_causes(
        URL, ["error sending request for url (https://example.org/a?token=x)"], timed_out=False, seconds=1
    )
    assert "token" not in str(error)
    assert str(from_causes(URL, [], timed_out=False, seconds=1)) == f"{URL}: unknown failure"


def test_no_cause_is_read_from_the_url() -> None:
    """A port, a digest or a project's name is no reason: a connection that was reset is asked for again."""
    url = "http://127.0.0.1:40712/socks-resolver/(UnknownIssuer)/407/tunnel-1.0.tar.gz"
    quoted = [f"error sending request for url ({url})", "client error (SendRequest)"]
    error = from_causes(url, [*quoted, "Connection reset by peer (os error 104)"], timed_out=False, seconds=1)
    assert str(error) == f"{url}: the connection was reset"
    assert type(error) is Transient
    assert str(from_causes(url, quoted[:1], timed_out=False, seconds=1)) == f"{url}: error sending request"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, NotFound) for status in (404, 410)),
        *((status, UpstreamError) for status in (401, 403, 407, 416)),
        *((status, Transient) for status in (408, 429, 500, 599)),
    ],
)
def test_statuses_have_their_kinds(status: int, kind: type[UpstreamError]) -> None:
    """Which errors mean "not there", which may pass, which will not."""
    error = from_status(URL, status)
    assert type(error) is kind
    assert (error.status, error.url) == (status, URL)
    assert str(status) in str(error)

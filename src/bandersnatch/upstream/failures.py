"""What a failed exchange means, in words that an operator can act on. Pure: texts and numbers in, an error out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bandersnatch.errors import NotFound, UpstreamError
from bandersnatch.upstream.pacing import Transient

# The first pattern found anywhere in the library's chain of causes decides. (pattern, message, may another try help?)
_CAUSES: tuple[tuple[str, str, bool], ...] = (
    (
        r"UnknownIssuer|self.?signed",
        "TLS: the certificate is not trusted: set SSL_CERT_FILE or [upstream] ca-file to the authority's certificate",
        False,
    ),
    (r"certificate.*expired|CertExpired", "TLS: the certificate has expired (or this machine's clock is wrong)", False),
    (r"not valid yet|NotValidYet", "TLS: the certificate is not valid yet (or this machine's clock is wrong)", False),
    (r"not valid for name|NotValidForName", "TLS: the certificate is for another host", False),
    (
        r"CertificateRequired|alert: (BadCertificate|UnknownCA|CertificateUnknown|HandshakeFailure|AccessDenied)",
        "TLS: our certificate was refused or is missing: set [upstream] client-certificate",
        False,
    ),
    (r"invalid peer certificate", "TLS: the certificate is not valid", False),
    (
        r"InvalidContentType|corrupt message|tls handshake eof",
        "TLS: this port does not speak TLS; is the URL's scheme right?",
        False,
    ),
    (
        r"proxy auth|socks.*(authenticat|credential|password)|\b407\b",
        "the proxy wants other credentials: set [upstream] proxy = 'http://user:password@host:port'",
        False,
    ),
    (r"tunnel|socks", "the proxy could not reach the host", True),
    (r"dns error|failed to lookup|resolv", "the name of the host cannot be resolved (DNS)", True),
    (r"connection refused", "connection refused", True),
    (r"(network|host).*unreachable|no route", "the host cannot be reached: no route", True),
    (r"connection reset|broken pipe|connection aborted", "the connection was reset", True),
    (
        (
            r"before message length reached|unexpected EOF|during chunk|stream error|GOAWAY|connection closed"
            r"|close_notify|before message completed|not a result of an error|body from connection"
        ),
        "the connection was cut before the answer was whole",
        True,
    ),
    (r"head is too large", "the head of the answer is too large", False),
    (r"parsed|invalid (HTTP|chunk|header)", "what was answered is not HTTP", True),
    (r"client was closed", "we have closed our connections", False),
)

_URL = re.compile(r"\s*for url \(.*\)")
"""How the library quotes the URL: with its query, maybe a secret, and with a port and digests that look like causes."""


def from_causes(shown: str, causes: Sequence[str], *, timed_out: bool, seconds: float) -> UpstreamError:
    """The error for a broken exchange with the (masked) URL *shown*; *causes* are the library's, outermost first."""
    if timed_out:
        return Transient(f"{shown}: no bytes for {seconds:g} s", url=shown)
    said = [_URL.sub("", cause) for cause in causes]
    text = "\n".join(said)
    for pattern, message, may_help in _CAUSES:
        if re.search(pattern, text, re.IGNORECASE):
            return (Transient if may_help else UpstreamError)(f"{shown}: {message}", url=shown)
    innermost = said[-1] if said else "unknown failure"
    return Transient(f"{shown}: {innermost}", url=shown)


def from_status(shown: str, status: int) -> UpstreamError:
    """The error for an answer with a *status* that was not wanted."""
    if status in (404, 410):
        return NotFound(f"{shown}: not found ({status})", url=shown, status=status)
    kind = Transient if status in (408, 429) or status >= 500 else UpstreamError
    return kind(f"{shown}: {_words(status)} ({status})", url=shown, status=status)


def _words(status: int) -> str:
    if status == 401:
        return "upstream wants credentials, or other ones"
    if status == 403:
        return "upstream forbids it"
    if status == 407:
        return "the proxy wants credentials: set [upstream] proxy = 'http://user:password@host:port'"
    if status == 429:
        return "upstream asks us to slow down"
    if status >= 500:
        return "upstream has a fault"
    return "upstream gave an answer that has no place here"

"""Lines of logs: what each server writes is read, and nothing that a client can write does harm."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.accesslog import lines
from bandersnatch.accesslog.formats import reader
from bandersnatch.accesslog.request import Request, client_of
from bandersnatch.errors import LogError, UsageError
from tests.accesslog.samples import FILE, PIP, combined

NOON = 1795860900.0
"""28 November 2026, 10:15 UTC."""

APACHE = '%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\" \\"%{Range}i\\"'
NGINX = "$msec|$request_method|$request_uri|$status|$bytes_sent|$http_range|$http_user_agent|$upstream_addr"
QUOTED = '[$time_iso8601] $host "$request" $status "$http_user_agent" $remote_addr'

LINES = {
    "combined": ("auto", combined()),
    "with a line end of Windows": ("combined", combined() + b"\r"),
    "IPv6": ("auto", combined(client="2001:db8::7")),
    "behind syslog": ("auto", b"Nov 28 10:15:00 www nginx: " + combined()),
    "of a virtual host": ("auto", b"pypi.example.org:443 " + combined()),
    "with an offset": ("auto", combined(time="28/Nov/2026:11:45:00 +0130")),
    "Apache": (
        "auto",
        b'192.0.2.7 - joe [28/Nov/2026:10:15:00 +0000] "GET ' + FILE.encode() + b' HTTP/1.1" 200 11050 "-" "'
        + PIP.replace('"', '\\"').encode() + b'"',
    ),
    "LogFormat": (
        APACHE,
        b'192.0.2.7 - - [28/Nov/2026:10:15:00 +0000] "GET ' + FILE.encode() + b' HTTP/1.1" 200 11050 "-" "'
        + PIP.replace('"', '\\"').encode() + b'" "-"',
    ),
    "log_format": (NGINX, f"1795860900.000|GET|{FILE}|200|11050|-|{PIP}|-".encode()),
    "log_format, quoted": (
        QUOTED,
        f'[2026-11-28T11:15:00+01:00] h "GET {FILE} HTTP/1.1" 200 "'.encode()
        + PIP.replace('"', "\\x22").encode() + b'" 192.0.2.7',
    ),
    "Caddy": (
        "auto",
        json.dumps({
            "level": "info", "ts": 1795860900.0, "logger": "http.log.access", "msg": "handled request",
            "request": {"remote_ip": "192.0.2.7", "client_ip": "192.0.2.7", "proto": "HTTP/1.1", "method": "GET",
                        "uri": FILE, "headers": {"User-Agent": [PIP], "Accept": ["*/*"]}},
            "bytes_read": 0, "duration": 0.001, "size": 11050, "status": 200,
        }).encode(),
    ),
    "nginx, JSON": (
        "auto",
        json.dumps({
            "time_local": "28/Nov/2026:10:15:00 +0000", "remote_addr": "192.0.2.7", "status": "200",
            "request": f"GET {FILE} HTTP/1.1", "body_bytes_sent": "11050", "http_user_agent": PIP,
        }).encode(),
    ),
    "our own server": (
        "json",
        json.dumps({
            "time": "2026-11-28T10:15:00Z", "method": "GET", "path": FILE, "status": 200, "bytes": 11050, "agent": PIP,
        }).encode(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_what_servers_write(name: str) -> None:
    """Time, method, path, status and the whole User-Agent come out of every format as they went in."""
    form, line = LINES[name]
    request = reader(form)(line)
    assert request[:4] == (NOON, "GET", FILE, 200)
    assert request.agent == PIP
    assert request.bytes in (11050, -1)
    assert request.range == ""


def test_common() -> None:
    """A line of the common format has no User-Agent, and a dash for no bytes."""
    line = combined().split(b' "-" ')[0].replace(b" 11050", b" -")
    assert reader("auto")(line)[3:7] == (200, -1, "", "")


@pytest.mark.parametrize(
    ("form", "line"),
    [
        (NGINX, f"1795860900.000|GET|{FILE}|206|9|bytes=0-99|curl/8|-"),
        (APACHE, f'h - - [28/Nov/2026:10:15:00 +0000] "GET {FILE} HTTP/1.1" 206 9 "-" "curl/8" "bytes=0-99"'),
        ("json", json.dumps({"ts": 1.0, "status": 206, "size": 9, "request": {
            "method": "GET", "uri": FILE, "headers": {"Range": ["bytes=0-99"], "User-Agent": ["curl/8"]}}})),
        ("json", json.dumps({"time": 1.0, "path": FILE, "status": 206, "range": "bytes=0-99", "agent": "curl/8"})),
    ],
)  # fmt: skip
def test_ranges(form: str, line: str) -> None:
    """The Range header is read where the log has it."""
    request = reader(form)(line.encode())
    assert (request.status, request.range, request.agent) == (206, "bytes=0-99", "curl/8")


@pytest.mark.parametrize("form", ["$remote_addr $status", "%h %>s", "commbined", ""])
def test_formats_that_say_too_little(form: str) -> None:
    """A format without time, request or status, and a name that there is not, are refused with what is missing."""
    with pytest.raises(UsageError, match="log format"):
        reader(form)


FORMS = ["auto", "json", APACHE, NGINX, QUOTED]


def check(form: str, line: bytes) -> None:
    try:
        request = reader(form)(line)
    except LogError as error:
        assert "192.0.2.7" not in str(error)
        return
    assert isinstance(request, Request)
    assert isinstance(request.path + request.method + request.agent + request.range, str)
    request.agent.encode("utf-8")


@given(st.sampled_from(FORMS), st.binary(max_size=300))
def test_any_bytes(form: str, line: bytes) -> None:
    """Whatever stands in a log, a line is a request or a LogError."""
    check(form, line)


@given(st.sampled_from(sorted(LINES)), st.data())
def test_damaged_lines(name: str, data: st.DataObject) -> None:
    """A line with other bytes in some place is a request or a LogError."""
    form, line = LINES[name]
    at = data.draw(st.integers(0, len(line)))
    check(form, line[:at] + data.draw(st.binary(max_size=8)) + line[data.draw(st.integers(at, len(line))) :])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["time", "ts", "request", "path", "uri", "status", "bytes", "size", "range", "agent", "headers"])


@given(st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON, max_size=4), max_size=8))
def test_any_json(document: object) -> None:
    """JSON of any shape is a request or a LogError."""
    check("json", json.dumps(document).encode())


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_escapes_are_undone(agent: str) -> None:
    """Whatever a client says of itself, nginx's escapes and the quotation marks around it do not change it."""
    if agent == "-":
        return  # what nginx writes for no User-Agent at all
    line = combined(agent="").removesuffix(b'"') + b"".join(
        b"\\x%02X" % byte if byte in b'"\\' or not 32 <= byte < 127 else bytes([byte]) for byte in agent.encode()
    )
    assert reader("combined")(line + b'"').agent == agent


def test_of_an_address_nothing_is_left() -> None:
    """The number for an address is equal within a process and is not the address; nobody has none."""
    request = reader("auto")(combined())
    assert request.client == client_of(b"192.0.2.7") != client_of(b"192.0.2.8")
    assert "192.0.2" not in repr(request)
    assert client_of("-") == client_of(b"") == 0


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ('[$time_local] "$request" "$status"', b'[28/Nov/2026:10:15:00 +0000] "GET /packages/x HTTP/1.1" ""'),
        ("json", b'{"ts": 1%b, "path": "/packages/x", "status": 200}' % (b"0" * 400)),
    ],
)
def test_numbers_that_are_none(form: str, line: bytes) -> None:
    """A status that is quoted and empty, and a time that no float can hold, make a line bad and stop nothing."""
    with pytest.raises(LogError):
        reader(form)(line)


def test_the_same_directive_twice() -> None:
    """Whoever logs two times has the first one counted."""
    line = b'[28/Nov/2026:10:15:00 +0000] [28/Nov/2026:10:15:09 +0000] "GET /packages/x HTTP/1.1" 200'
    assert reader('%t %{end}t "%r" %>s')(line).time == reader('%t "%r" %>s')(line[:29] + line[58:]).time


def test_long_agents_are_not_kept() -> None:
    """Agents that are each another one, and as long as a server allows, do not pile up."""
    texts = lines.Texts()
    for number in range(100):
        assert texts(b"x" * 8000 + b"%d" % number).endswith(f"x{number}")
    assert len(texts._known) == 0

"""An upstream index for tests, over real HTTP on 127.0.0.1; it shares no code with the mirror that it tests.

    from bandersnatch.testing import Status, UpstreamServer

    with UpstreamServer() as server:
        wheel = server.index.upload("Foo.Bar", "1.0", requires_python=">=3.11")
        server.fault("/simple/foo-bar/", Status(503, retry_after=1), times=2)
        mirror(server.url)
        assert server.count("/packages/*.whl") == 1
        assert server.requests[0].headers["user-agent"].startswith("bandersnatch")
        server.index.yank("Foo.Bar", "1.0", "broken")
        server.behaviour = replace(server.behaviour, list_lag=1)

``Index`` is what it holds, ``Behaviour`` is what it is like (PyPI unless told otherwise; ``STATIC_COPY`` is a copy
behind a plain web server), and a fault is what goes wrong once, n times or always. Needs the extra ``testing``.
"""

from bandersnatch.testing.behaviour import STATIC_COPY, Behaviour
from bandersnatch.testing.certificates import Certificates, make_certificates
from bandersnatch.testing.faults import (
    Body,
    Bomb,
    Corrupt,
    Cut,
    Drip,
    DripHead,
    Endless,
    Fault,
    Headers,
    NoContentType,
    Raw,
    Redirect,
    Reset,
    Stall,
    Status,
    WrongLength,
)
from bandersnatch.testing.index import Index
from bandersnatch.testing.messages import Request
from bandersnatch.testing.proxies import HttpProxy, SocksProxy
from bandersnatch.testing.server import UpstreamServer
from bandersnatch.testing.state import ProjectState, Release, Row, UploadedFile

__all__ = [
    "STATIC_COPY",
    "Behaviour",
    "Body",
    "Bomb",
    "Certificates",
    "Corrupt",
    "Cut",
    "Drip",
    "DripHead",
    "Endless",
    "Fault",
    "Headers",
    "HttpProxy",
    "Index",
    "NoContentType",
    "ProjectState",
    "Raw",
    "Redirect",
    "Release",
    "Request",
    "Reset",
    "Row",
    "SocksProxy",
    "Stall",
    "Status",
    "UploadedFile",
    "UpstreamServer",
    "WrongLength",
    "make_certificates",
]

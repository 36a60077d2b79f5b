"""From a request to an answer: the table of what an index serves. No I/O, and no faults yet."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from urllib.parse import unquote

from bandersnatch.testing import feed, files, pages
from bandersnatch.testing.behaviour import Auth
from bandersnatch.testing.messages import Request, Response, not_found, plain
from bandersnatch.testing.view import View

_READ = ("GET", "HEAD")
_FILES = r"(/(?:packages|files)/.+)"
_ROUTES: tuple[tuple[str, tuple[str, ...], Callable[..., Response]], ...] = (
    (r"/simple(/?)", _READ, pages.project_list),
    (r"/simple/([^/]+)(/?)", _READ, pages.project_page),
    (r"/pypi/([^/]+)/json(/?)", _READ, pages.project_json),
    (r"/pypi/([^/]+)/([^/]+)/json(/?)", _READ, pages.version_json),
    (r"/integrity/([^/]+)/([^/]+)/([^/]+)/provenance", _READ, pages.provenance_object),
    (r"/(?:pypi/?|RPC2)", ("POST",), feed.answer),
    (_FILES, (*_READ, "OPTIONS"), files.stored_file),
)


def respond(view: View, request: Request, *, on_files_host: bool) -> Response:
    """The answer of the index, or of its files' host."""
    if not on_files_host and not _admitted(request, view.behaviour.auth):
        return plain(401, "credentials needed", {"WWW-Authenticate": _challenge(view.behaviour.auth)})
    path = unquote(request.path)
    for pattern, methods, handler in _ROUTES:
        found = re.fullmatch(pattern, path, re.DOTALL)
        if found and _belongs(pattern, view.behaviour.separate_files_host, on_files_host):
            if request.method not in methods:
                return plain(405, "method not allowed", {"Allow": ", ".join(methods)})
            return handler(view, request, *found.groups())
    return not_found()


def _belongs(pattern: str, separate: bool, on_files_host: bool) -> bool:
    """Whether this host serves *pattern*: files from the files' host alone where that is in use, the rest never."""
    return on_files_host == separate if pattern is _FILES else not on_files_host


def _admitted(request: Request, auth: Auth | None) -> bool:
    given = request.headers.get("authorization", "")
    match auth:
        case None:
            return True
        case "basic", user, password:
            return given == f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
        case _, token:
            return given == f"Bearer {token}"


def _challenge(auth: Auth | None) -> str:
    return 'Basic realm="index"' if auth and auth[0] == "basic" else "Bearer"

"""XML-RPC as PyPI still answers it to mirrors: the changelog and the list of projects with their serials."""

from __future__ import annotations

import xmlrpc.client
from typing import Any
from xml.parsers.expat import ExpatError

from bandersnatch.testing.messages import Request, Response, not_found
from bandersnatch.testing.view import View

_RETIRED = frozenset(
    (
        "changelog",
        "list_packages",
        "package_data",
        "package_releases",
        "package_urls",
        "release_data",
        "release_urls",
        "search",
        "system.multicall",
        "top_packages",
        "multicall",
    )
)


def answer(view: View, request: Request) -> Response:
    """The answer to one call, faults among them."""
    if not view.behaviour.changelog:
        return not_found()
    try:
        arguments, method = xmlrpc.client.loads(request.body.decode())
        result = _call(view, method or "", arguments)
        body = xmlrpc.client.dumps((result,), methodresponse=True, allow_none=True)
    except (ExpatError, xmlrpc.client.ResponseError, UnicodeDecodeError):
        body = xmlrpc.client.dumps(xmlrpc.client.Fault(-32700, "parse error; not well formed"))
    except xmlrpc.client.Fault as fault:
        body = xmlrpc.client.dumps(fault)
    return Response(200, body.encode(), {"Content-Type": "text/xml; charset=UTF-8"})


def _call(view: View, method: str, arguments: tuple[Any, ...]) -> Any:
    index = view.index
    match method, arguments:
        # bool is an int to Python; PyPI is strict here.
        case "changelog_since_serial", (int(since),) if not isinstance(since, bool):
            return [list(row) for row in index.journal(since)[: view.behaviour.changelog_limit]]
        case "changelog_last_serial", ():
            return index.serial
        case "list_packages_with_serial", ():
            return {project.display: project.serial for project in index.projects()}
        case (("changelog_since_serial" | "changelog_last_serial" | "list_packages_with_serial"), _):
            raise xmlrpc.client.Fault(-32602, f"client error; {method} takes other arguments")
        case retired, _ if retired in _RETIRED:
            raise xmlrpc.client.Fault(-32500, f"RuntimeError: {method} is no longer supported")
        case _:
            raise xmlrpc.client.Fault(-32601, "server error; requested method not found")

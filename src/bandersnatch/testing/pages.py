"""The handlers of pages: the list of projects, the page of a project, PyPI's older JSON, provenance objects."""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import parsedate_to_datetime

from bandersnatch import names
from bandersnatch.testing import legacy, negotiation, render
from bandersnatch.testing.messages import Request, Response, not_found, plain
from bandersnatch.testing.negotiation import HTML, JSON
from bandersnatch.testing.provenance import provenance
from bandersnatch.testing.state import moment
from bandersnatch.testing.view import View, http_date


def project_list(view: View, request: Request, slash: str) -> Response:
    """``/simple/``: every project that is not in quarantine."""
    switches = view.behaviour
    if switches.list_format == "missing":
        return not_found()
    if not slash:
        return _to_slash(view, request, "/simple/")
    kind = negotiation.content_type(request, switches.list_format, switches.accept_match)
    serial = max(view.index.serial - switches.list_lag, 0)
    projects = [project for project in view.index.projects(serial) if project.status != "quarantined"]
    write = render.list_json if kind == JSON else render.list_html
    return _simple(view, request, kind, write(view, projects, serial), serial if switches.list_serials else None)


def project_page(view: View, request: Request, spelled: str, slash: str) -> Response:
    """``/simple/<name>/``: one project, with no files while in quarantine."""
    if not names.is_project_name(spelled):
        return not_found()
    name = names.normalise(spelled)
    if view.behaviour.redirects == "pypi" and (name != spelled or not slash):
        return view.redirect(301, f"/simple/{name}/", request.query)
    if name != spelled:
        return not_found()
    if not slash:
        return _to_slash(view, request, f"/simple/{name}/")
    project = view.project(name)
    if project is None:
        return not_found()
    kind = negotiation.content_type(request, view.behaviour.page_format, view.behaviour.accept_match)
    write = render.project_json if kind == JSON else render.project_html
    return _simple(view, request, kind, write(view, project), project.serial, project.modified)


def project_json(view: View, request: Request, spelled: str, slash: str) -> Response:
    """``/pypi/<name>/json``"""
    return _legacy(view, request, spelled, None, slash)


def version_json(view: View, request: Request, spelled: str, version: str, slash: str) -> Response:
    """``/pypi/<name>/<version>/json``"""
    return _legacy(view, request, spelled, version, slash)


def provenance_object(view: View, request: Request, name: str, version: str, filename: str) -> Response:
    """``/integrity/<name>/<version>/<file name>/provenance``; 406 where Accept does not admit it."""
    kind = "application/vnd.pypi.integrity.v1+json"
    project = view.project(name) if names.is_normalised(name) else None
    files = (
        [file for file, _ in project.visible if (file.version, file.filename) == (version, filename)] if project else []
    )
    if not view.behaviour.provenance or not files or not files[0].provenance:
        return not_found()
    if not negotiation.takes(request, kind, "application/json"):
        return plain(406, "not acceptable")
    headers = {"Content-Type": kind, "Cache-Control": "max-age=600, public", "Vary": "Accept"}
    return conditional(request, view.encoded(request, Response(200, provenance(files[0]), headers)))


def _legacy(view: View, request: Request, spelled: str, version: str | None, slash: str) -> Response:
    served = view.behaviour.legacy_json
    if served == "none" or (version and served == "project") or not names.is_project_name(spelled):
        return not_found()
    name = names.normalise(spelled)
    if name != spelled or slash:
        where = f"/pypi/{name}/{version}/json" if version else f"/pypi/{name}/json"
        return view.redirect(301, where, request.query) if view.behaviour.redirects == "pypi" else not_found()
    project = view.project(name)
    document = legacy.document(view, project, version) if project else None
    if project is None or document is None:
        return not_found()
    headers = {"Content-Type": "application/json", "Cache-Control": "max-age=900, public"}
    answer = Response(200, json.dumps(document).encode(), headers | view.serial_header(project.serial))
    return conditional(request, view.encoded(request, answer))


def _to_slash(view: View, request: Request, where: str) -> Response:
    if view.behaviour.redirects == "none":
        return not_found()
    return view.redirect(301 if view.behaviour.redirects == "pypi" else 308, where, request.query)


def _simple(
    view: View, request: Request, kind: str, body: bytes, serial: int | None, modified: datetime | None = None
) -> Response:
    headers = {
        "Content-Type": f"{kind}; charset=UTF-8" if kind == HTML else kind,
        "Cache-Control": "max-age=600, public",
        "Vary": "Accept",
    }
    if serial is not None:
        headers |= view.serial_header(serial)
    if view.behaviour.last_modified:
        headers["Last-Modified"] = http_date(modified or moment(view.index.serial))
    return conditional(request, view.encoded(request, Response(200, body, headers)))


def conditional(request: Request, response: Response) -> Response:
    """*response*, or 304 with what a cache must renew (RFC 9110, sections 13.1 and 15.4.5)."""
    if not _unchanged(request, response):
        return response
    kept = {name: value for name, value in response.headers.items() if not name.startswith("Content-")}
    return Response(304, headers=kept)


def _unchanged(request: Request, response: Response) -> bool:
    etag, modified = response.headers.get("ETag"), response.headers.get("Last-Modified")
    known = request.headers.get("if-none-match")
    if known is not None:  # it overrides If-Modified-Since, even where it cannot be answered
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        return etag is not None and not tags.isdisjoint({etag, "*"})
    since = request.headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        return parsedate_to_datetime(modified) <= parsedate_to_datetime(since)
    except (TypeError, ValueError):  # not a date, or one without a zone: the condition is to be ignored
        return False

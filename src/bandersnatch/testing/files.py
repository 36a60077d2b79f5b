"""The handler of distribution files and their core metadata, with ranges (RFC 9110, section 14)."""

from __future__ import annotations

import re
from datetime import datetime

from bandersnatch.testing.distributions import KINDS
from bandersnatch.testing.messages import Request, Response, not_found
from bandersnatch.testing.pages import conditional
from bandersnatch.testing.state import UploadedFile, moment
from bandersnatch.testing.view import View, etag, http_date

_SUFFIX = ".metadata"
_TYPES = {".whl": "application/zip", ".egg": "application/zip", ".zip": "application/zip", ".gz": "application/gzip"}


def stored_file(view: View, request: Request, path: str) -> Response:
    """
    ``/packages/…`` or ``/files/…``: a file, listed or not, or the core metadata beside it (PEP 658).

    Conditions are heeded only where files are in a folder, as plain web servers do.
    """
    if request.method == "OPTIONS":
        return Response(204, headers={"Allow": "GET, HEAD, OPTIONS", "Access-Control-Allow-Origin": "*"})
    file = view.index.file(path)
    if file is not None:
        kind = next((kind for ending, kind in _TYPES.items() if path.endswith(ending)), "application/octet-stream")
        answer = _answer(view, request, file, file.content, kind)
        return conditional(request, answer) if view.behaviour.flat_files else answer
    file = view.index.file(path.removesuffix(_SUFFIX))
    if file is None or file.metadata is None or not path.endswith(_SUFFIX):
        return not_found()
    return _answer(view, request, file, file.metadata, "text/plain; charset=UTF-8")


def _answer(view: View, request: Request, file: UploadedFile, content: bytes, kind: str) -> Response:
    headers = {
        "Content-Type": kind,
        "Cache-Control": "max-age=365000000, immutable, public",
        "Last-Modified": http_date(_uploaded(file)),
        "Access-Control-Allow-Origin": "*",
        "X-PyPI-File-Project": file.project,
        "X-PyPI-File-Version": file.version,
        "X-PyPI-File-Package-Type": KINDS[file.kind].packagetype,
        "X-PyPI-File-Python-Version": file.python_version,
    }
    if view.behaviour.etags:
        headers["ETag"] = etag(content)
    if view.behaviour.ranges:
        headers["Accept-Ranges"] = "bytes"
        part = _wanted(request, headers, len(content))
        if part is not None:
            return _partial(content, part, headers)
    whole = Response(200, content, headers)
    return view.encoded(request, whole) if content is file.metadata else whole


def _uploaded(file: UploadedFile) -> datetime:
    """The upload time, or some other fixed time where a test has given one that is none."""
    try:
        return datetime.fromisoformat(file.upload_time)
    except ValueError:
        return moment(0)


def _wanted(request: Request, headers: dict[str, str], size: int) -> range | None:
    """The bytes that Range asks for, none if it cannot be satisfied; None where the whole file is to be sent."""
    condition = request.headers.get("if-range")
    if condition is not None and condition not in (headers.get("ETag"), headers["Last-Modified"]):
        return None
    # One range only: several are answered with the whole file, as PyPI's file host does.
    found = re.fullmatch(r"bytes=(?:(\d+)-(\d*)|-(\d+))", request.headers.get("range", "").strip())
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        return range(max(size - int(suffix), 0), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, size) if last else size)


def _partial(content: bytes, part: range, headers: dict[str, str]) -> Response:
    if not part:
        return Response(416, headers={"Content-Range": f"bytes */{len(content)}", "Accept-Ranges": "bytes"})
    place = f"bytes {part.start}-{part.stop - 1}/{len(content)}"
    return Response(206, content[part.start : part.stop], {**headers, "Content-Range": place})

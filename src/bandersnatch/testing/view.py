"""The index as one host shows it: what every handler needs to make an answer."""

from __future__ import annotations

import base64
import gzip
import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote

from bandersnatch.testing.behaviour import Behaviour
from bandersnatch.testing.index import Index
from bandersnatch.testing.messages import Request, Response
from bandersnatch.testing.negotiation import takes_gzip
from bandersnatch.testing.state import ProjectState, UploadedFile


@dataclass(frozen=True, slots=True)
class View:
    """An index, how it behaves at this moment, and the addresses it has."""

    index: Index
    behaviour: Behaviour
    url: str
    files_url: str

    def project(self, name: str) -> ProjectState | None:
        """The project with the normalised *name*, as stale as the behaviour wants it."""
        return self.index.project(name, self.behaviour.stale.get(name))

    def file_url(self, file: UploadedFile) -> str:
        """What a page two folders deep links *file* with."""
        path = quote(f"/files/{file.filename}" if self.behaviour.flat_files else file.path, safe="/+!")
        if self.behaviour.separate_files_host:
            return self.files_url + path
        return f"../..{path}" if self.behaviour.relative_urls else self.url + path

    def provenance_url(self, file: UploadedFile) -> str | None:
        """The address of the file's provenance object (PEP 740: absolute), None where there is none."""
        if not file.provenance:
            return None
        return f"{self.url}/integrity/{file.project}/{file.version}/{quote(file.filename)}/provenance"

    def serial(self, serial: int) -> int | str:
        """*serial* in the type that this index states serials in."""
        return str(serial) if self.behaviour.serials == "string" else serial

    def serial_header(self, serial: int) -> dict[str, str]:
        """The header that tells *serial*, if this index does that."""
        says = self.behaviour.serial_header and self.behaviour.serials != "none"
        return {"X-PyPI-Last-Serial": str(serial)} if says else {}

    def redirect(self, code: int, location: str, query: str) -> Response:
        """A redirect on this host."""
        return Response(code, headers={"Location": location + (f"?{query}" if query else ""), "Vary": "Accept"})

    def encoded(self, request: Request, response: Response) -> Response:
        """*response*, compressed if the client takes that; with an ETag of what is sent."""
        if self.behaviour.gzip:
            response = _varying(response)
            if takes_gzip(request):
                packed = gzip.compress(response.body, compresslevel=1, mtime=0)
                response = Response(response.status, packed, response.headers).having({"Content-Encoding": "gzip"})
        return response.having({"ETag": etag(response.body)}) if self.behaviour.etags else response


def _varying(response: Response) -> Response:
    """*response*, marked as differing by encoding; caches must know it in either case."""
    vary = response.headers.get("Vary")
    return response.having({"Vary": f"{vary}, Accept-Encoding" if vary else "Accept-Encoding"})


def etag(body: bytes) -> str:
    """PyPI's: the MD5 of the body in base64, quoted."""
    return f'"{base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()}"'


def http_date(when: datetime) -> str:
    """*when*, in UTC, as HTTP writes dates."""
    return format_datetime(when, usegmt=True)

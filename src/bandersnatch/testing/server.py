"""The index behind real HTTP on 127.0.0.1."""

from __future__ import annotations

from asyncio import StreamReader, StreamWriter
from dataclasses import replace
from fnmatch import fnmatchcase
from threading import Lock
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from bandersnatch.testing.behaviour import Behaviour
from bandersnatch.testing.certificates import Certificates, server_context
from bandersnatch.testing.delivery import Connection
from bandersnatch.testing.faults import Fault, FaultQueue, speaks, transform
from bandersnatch.testing.index import Index
from bandersnatch.testing.messages import Request, Response
from bandersnatch.testing.routes import respond
from bandersnatch.testing.state import UploadedFile
from bandersnatch.testing.threads import ThreadedServer
from bandersnatch.testing.view import View


class UpstreamServer:
    """
    An upstream index for tests, from ``with`` to the end of ``with``.

    *index* can be changed, ``behaviour`` replaced and faults ordered while it runs. *switches* are the fields of
    ``Behaviour``, put upon *behaviour*. With *tls* it speaks HTTPS; with *require_client_certificate* only to
    who shows a certificate of the same authority.
    """

    def __init__(
        self,
        index: Index | None = None,
        *,
        behaviour: Behaviour | None = None,
        tls: Certificates | None = None,
        require_client_certificate: bool = False,
        **switches: Any,
    ) -> None:
        self.index = Index() if index is None else index
        self.behaviour = replace(behaviour or Behaviour(), **switches)
        self.url = ""
        """``http://127.0.0.1:PORT``, without a slash at the end."""
        self.files_url = ""
        """The address that files have while ``separate_files_host`` is on."""
        context = server_context(tls, require_client_certificate) if tls else None
        self._scheme = "https" if tls else "http"
        self._threaded = ThreadedServer(self._serve_index, self._serve_files, tls=context)
        self._faults = FaultQueue()
        self._lock = Lock()
        self._requests: list[Request] = []

    def __enter__(self) -> Self:
        self.url, self.files_url = (f"{self._scheme}://127.0.0.1:{port}" for port in self._threaded.start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threaded.stop()

    # --- what it was asked -----------------------------------------------------------------------------------------

    @property
    def requests(self) -> list[Request]:
        """The requests so far, in the order in which they were answered. A request is here before its answer ends."""
        with self._lock:
            return list(self._requests)

    def count(self, glob: str, method: str | None = None) -> int:
        """How many requests had a path that matches *glob*, in which ``*`` stands for slashes too."""
        return sum(fnmatchcase(r.path, glob) and method in (None, r.method) for r in self.requests)

    def reset(self) -> None:
        """Forget the requests."""
        with self._lock:
            self._requests.clear()

    # --- what goes wrong -------------------------------------------------------------------------------------------

    def fault(self, glob: str, action: Fault, times: int | None = 1, method: str | None = None) -> None:
        """
        Put *action* on the next *times* requests (None: on all) whose path matches *glob*.

        Faults are taken in the order in which they were ordered: the first that matches and is not used up. ``*``
        stands for slashes too, so that ``/packages/*`` matches core metadata as well.
        """
        self._faults.order(glob, action, times, method)

    def clear_faults(self) -> None:
        """All is well from now on."""
        self._faults.clear()

    # --- where things are ------------------------------------------------------------------------------------------

    def url_of(self, file: UploadedFile) -> str:
        """The absolute address of *file*, percent-encoded as pages have it."""
        host = self.files_url if self.behaviour.separate_files_host else self.url
        return host + quote(file.path, safe="/+!")

    # --- serving ---------------------------------------------------------------------------------------------------

    async def _serve_index(self, reader: StreamReader, writer: StreamWriter) -> None:
        await self._serve(Connection(reader, writer), on_files_host=False)

    async def _serve_files(self, reader: StreamReader, writer: StreamWriter) -> None:
        await self._serve(Connection(reader, writer), on_files_host=True)

    async def _serve(self, connection: Connection, *, on_files_host: bool) -> None:
        while (request := await connection.request()) is not None:
            fault, response = self._answer(request, on_files_host)
            await connection.send(response, fault)

    def _answer(self, request: Request, on_files_host: bool) -> tuple[Fault | None, Response]:
        view = View(self.index, self.behaviour, self.url, self.files_url)
        fault = self._faults.take(request)
        response = transform(fault, respond(view, request, on_files_host=on_files_host))
        with self._lock:
            self._requests.append(replace(request, status=response.status if speaks(fault) else 0))
        return fault, response

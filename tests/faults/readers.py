"""Those who read a mirror while it is written: what they read has to be true all the while."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote, urljoin, urlsplit

JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Seen:
    """What readers have checked, and what was wrong."""

    checks: int = 0
    """Files whose digest was compared with what a page promised, and pages that the list promised."""
    installs: int = 0
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def saw(self, wrong: str | None = None) -> None:
        with self.lock:
            self.checks += 1
            if wrong:
                self.wrong.append(wrong)

    def installed(self, wrong: str | None = None) -> None:
        with self.lock:
            self.installs += 1
            if wrong:
                self.wrong.append(wrong)


class Poller:
    """Reads the list, each page that it names, and every file that these link, again and again, on one connection."""

    def __init__(self, url: str, seen: Seen) -> None:
        self._url, self._seen = url, seen
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)

    def round(self, is_over: Callable[[], bool]) -> None:
        """Once through everything."""
        for name in self._names():
            if is_over():
                return
            self._page(name)

    def _names(self) -> Sequence[str]:
        status, body = self._get("/simple/")
        return [one["name"] for one in json.loads(body)["projects"]] if status == 200 else []

    def _page(self, name: str) -> None:
        where = f"/simple/{name}/"
        status, body = self._get(where)
        if status != 200:
            # The list may be older than the page's end; one that is read now may not.
            gone = name not in self._names()
            self._seen.saw(None if gone else f"{name} is listed, and its page is {status}")
            return
        self._seen.saw()
        for file in json.loads(body)["files"]:
            path = urlsplit(urljoin(where, file["url"])).path
            self._file(path, file["hashes"]["sha256"])
            if file["core-metadata"]:
                self._file(f"{path}.metadata", file["core-metadata"]["sha256"])

    def _file(self, path: str, sha256: str) -> None:
        status, body = self._get(path)
        right = status == 200 and hashlib.sha256(body).hexdigest() == sha256
        self._seen.saw(None if right else f"{unquote(path)}: {status}, {len(body)} bytes, not {sha256}")

    def _get(self, path: str) -> tuple[int, bytes]:
        try:
            return self._ask(path)
        except http.client.HTTPException:  # the server ends a connection after so many requests
            self._connection.close()
            return self._ask(path)

    def _ask(self, path: str) -> tuple[int, bytes]:
        self._connection.request("GET", path, headers={"Accept": JSON})
        response = self._connection.getresponse()
        return response.status, response.read()

    def close(self) -> None:
        self._connection.close()


@contextmanager
def reading(url: str, seen: Seen, installs: Sequence[Callable[[], str | None]], pollers: int = 2) -> Iterator[None]:
    """
    Readers at work on the mirror at *url*, until this is left: *pollers*, and one for each of *installs*.

    An install returns what went wrong, if anything did. What a reader itself raises counts as wrong.
    """
    over = threading.Event()

    def poll() -> None:
        poller = Poller(url, seen)
        try:
            while not over.is_set():
                poller.round(over.is_set)
        except Exception as error:  # whatever it is, nobody may miss it
            seen.saw(f"a poller failed: {error!r}")
        finally:
            poller.close()

    def install(one: Callable[[], str | None]) -> None:
        while not over.is_set():
            seen.installed(one())

    threads = [threading.Thread(target=poll) for _ in range(pollers)]
    threads += [threading.Thread(target=install, args=(one,)) for one in installs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()

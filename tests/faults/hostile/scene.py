"""One whole run against an upstream that turned hostile, and everything that must hold after it, whatever it was."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import html5lib

from bandersnatch.testing import Body, Fault, UploadedFile, UpstreamServer
from tests.sync.conftest import World

SECRET = "hunter2-of-the-hostile-tests"
WATCHED = Path(__file__).with_name("watched.py")
MOST_MEMORY = 160
"""MiB that the process may take at its peak; an ordinary run of this size takes about 60."""

GONE = object()
"""In place of a value: the key is left out."""

_PLACES = re.compile(
    r"last-modified|simple/index\.(html|v1_html|v1_json)|simple/[a-z0-9-]+/index\.(html|v1_html|v1_json)"
    r"|packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[^/]+|integrity/[a-z0-9-]+/[^/]+/[^/]+/provenance"
    r"|pypi/[a-z0-9-]+/([^/]+/)?json"
)
_TAGS = {
    "html": {"lang"},
    "head": set(),
    "meta": {"charset", "name", "content", "http-equiv"},
    "title": set(),
    "body": set(),
    "h1": set(),
    "br": set(),
    "a": {"href", "data-requires-python", "data-core-metadata", "data-yanked", "data-provenance"}
    | {"data-size", "data-upload-time"},
}


@dataclass(frozen=True)
class Ran:
    """What a run said and came to."""

    code: int
    events: Sequence[dict[str, Any]]
    err: str
    memory: int
    """MiB at the peak."""

    def of(self, kind: str, project: str | None = None) -> list[dict[str, Any]]:
        """The events of a kind."""
        return [one for one in self.events if one["event"] == kind and project in (None, one.get("project"))]

    @property
    def outcome(self) -> str:
        """The outcome of the run; empty where it did not come to one."""
        return next((one["outcome"] for one in self.of("finished")), "")


@dataclass
class Scene:
    """
    A mirror of the projects ``good`` and ``bad``, both of which have a new release upstream by now.

    A row says what ``bad``, or everything, answers; ``good`` is honest.
    """

    upstream: UpstreamServer
    evil: UpstreamServer
    """Another server, which nobody may ask."""
    home: Path
    new: UploadedFile = field(init=False)
    """The new file of ``bad``."""
    first: UploadedFile = field(init=False)
    """The one that it had before."""

    def __post_init__(self) -> None:
        self.upstream.behaviour = self._asking_for_credentials()
        settings: dict[str, object] = {"upstream.username": "mirror", "upstream.password": SECRET}
        self.world = World(self.upstream, self.home / "mirror", settings=settings)
        self.upstream.index.upload("good", "1.0")
        self.first = self.upstream.index.upload("bad", "1.0")
        assert self.world.run().outcome == "clean"
        self.upstream.index.upload("good", "2.0")
        self.new = self.upstream.index.upload("bad", "2.0")
        self.canary = self.home / "canary"
        for place in ("simple/bad", "packages", "home"):
            (self.canary / place).mkdir(parents=True)
            (self.canary / place / "index.html").write_text("a canary sings\n")
        self.before = self._outside()
        self.old = self.world.tree()

    def _asking_for_credentials(self) -> Any:
        import dataclasses

        return dataclasses.replace(self.upstream.behaviour, auth=("basic", "mirror", SECRET))

    # --- what upstream says ------------------------------------------------------------------------------------------

    def entry(self, file: UploadedFile | None = None, **changed: Any) -> dict[str, object]:
        """The new file of ``bad`` as its page lists it, with facts *changed*; underscores stand for dashes."""
        file = file or self.new
        said: dict[str, object] = {
            "filename": file.filename,
            "hashes": {"sha256": file.sha256},
            "size": file.size,
            "url": self.upstream.url_of(file),
        }
        said |= {name.replace("_", "-"): value for name, value in changed.items()}
        return {name: value for name, value in said.items() if value is not GONE}

    def page(self, *entries: object, **changed: object) -> None:
        """``bad`` has a page with its first file and these *entries*, and with keys *changed*."""
        said: dict[str, object] = {
            "meta": {"api-version": "1.1", "_last-serial": self.upstream.index.serial},
            "name": "bad",
            "versions": ["1.0", "2.0"],
            "files": [self.entry(self.first), *entries],
        }
        said |= {name.replace("_", "-"): value for name, value in changed.items()}
        self.says(json.dumps({name: value for name, value in said.items() if value is not GONE}).encode())

    def says(self, body: bytes, **more: Any) -> None:
        """The page of ``bad`` is *body*."""
        self.always("/simple/bad/", Body(body, **more))

    def lists(self, *more: object, **changed: object) -> None:
        """The list of projects has these entries besides the honest ones."""
        serial = self.upstream.index.serial
        honest = [{"name": "good", "_last-serial": serial - 2}, {"name": "bad", "_last-serial": serial}]
        said = {"meta": {"api-version": "1.1", "_last-serial": serial}, "projects": [*honest, *more]}
        self.always("/simple/", Body(json.dumps(said | changed).encode()))

    def always(self, glob: str, fault: Fault) -> None:
        """Whoever asks for that gets this."""
        self.upstream.fault(glob, fault, times=None)

    # --- the run -----------------------------------------------------------------------------------------------------

    def run(self, *arguments: str) -> Ran:
        """``bandersnatch mirror`` as a process of its own, watched."""
        conf = self.home / "bandersnatch.conf"
        conf.write_text(
            f"[mirror]\ndirectory = '{self.world.directory}'\nupstream = '{self.upstream.url}'\nreserve = '0'\n"
            f"[upstream]\ntries = 1\nusername = 'mirror'\npassword = '{SECRET}'\n[select]\neverything = true\n"
        )
        self.upstream.reset()
        self.before[conf.name] = self._fact(conf)
        peak = self.home / "peak"
        command = [sys.executable, str(WATCHED), str(peak), "-c", str(conf), "mirror", "--json", *arguments]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.canary / "home"), "LANG": "C.UTF-8"}
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=self.canary,
            env=environment,
        )  # fmt: skip
        assert SECRET not in done.stdout + done.stderr
        events = [json.loads(line) for line in done.stdout.splitlines()]
        memory = int(peak.read_text())
        peak.unlink()
        return Ran(done.returncode, events, done.stderr, memory)

    # --- what must hold ----------------------------------------------------------------------------------------------

    def check(self, ran: Ran) -> None:
        """Nothing outside changed; inside stands only what may; the pages are true and clean."""
        assert "Traceback" not in ran.err, ran.err
        assert self._outside() == self.before
        assert ran.memory < MOST_MEMORY, f"{ran.memory} MiB"
        assert not self.evil.requests
        self.world.check()
        for path in self.world.web.rglob("*"):
            key = str(path.relative_to(self.world.web))
            assert path.is_dir() or (path.is_file() and not path.is_symlink() and _PLACES.fullmatch(key)), key
        for page in self.world.web.glob("simple/*/index.html"):
            check_html(page.read_text())

    def _outside(self) -> dict[str, str]:
        """Everything below home that is not the mirror: what it is, its bits, its bytes or its target."""
        mirror = self.world.directory
        paths = [path for path in self.home.rglob("*") if path != mirror and mirror not in path.parents]
        return {str(path.relative_to(self.home)): self._fact(path) for path in paths}

    def _fact(self, path: Path) -> str:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return f"{mode} {path.readlink()}"
        return f"{mode} " + (hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(mode) else "")


def check_html(text: str) -> None:
    """A browser finds only the elements and attributes that our pages have, and links of ours only."""
    for element in html5lib.parse(text, namespaceHTMLElements=False).iter():
        if not isinstance(element.tag, str):
            continue
        assert element.tag in _TAGS, element.tag
        assert set(element.attrib) <= _TAGS[element.tag], element.attrib
        assert element.attrib.get("href", "../../packages/").startswith("../../packages/"), element.attrib

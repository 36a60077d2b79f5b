"""Index servers and makers of indexes that people mirror from, each showing one folder of distribution files."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import shutil
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError

from bandersnatch.testing import UpstreamServer
from tests.peers import programs, servers

Changed = Callable[[], None]
"""Tells the server that the files are others now."""


@dataclass(frozen=True)
class Shown:
    """An index that is served."""

    url: str
    """As an operator would write it into ``[mirror] upstream``."""
    changed: Changed = lambda: None


class Packages:
    """Some projects' files, as one flat folder, and as one with a folder for each project."""

    def __init__(self, home: Path) -> None:
        self.flat, self.nested = home / "flat", home / "nested"
        self.flat.mkdir(parents=True)
        self.nested.mkdir()

    def put(self, project: str, filename: str, content: bytes) -> None:
        """Add a file of the normalised *project*, or replace it."""
        for folder in (self.flat, self.nested / project):
            folder.mkdir(exist_ok=True)
            # In one step: a server may read it at any time.
            (folder / f".{filename}").write_bytes(content)
            (folder / f".{filename}").rename(folder / filename)

    def remove(self, project: str, filename: str) -> None:
        """Remove a file."""
        for folder in (self.flat, self.nested / project):
            (folder / filename).unlink()

    @property
    def files(self) -> dict[str, dict[str, bytes]]:
        """By project and file name, the bytes."""
        return {
            folder.name: {path.name: path.read_bytes() for path in folder.iterdir()}
            for folder in self.nested.iterdir()
            if folder.is_dir()
        }


Show = Callable[[Packages, Path], contextlib.AbstractContextManager[Shown]]


@dataclass(frozen=True)
class Kind:
    """A server, or a way of running it."""

    name: str
    show: Show = field(repr=False)
    digest: str
    """What its pages state of a file; empty: nothing."""
    lists: bool = True
    """Whether it has a list of projects."""
    replaces: bool = True
    """Whether it gives the new bytes of a file that was replaced, and not those that it keeps."""


# --- servers ---------------------------------------------------------------------------------------------------------


def pypiserver(tool: str, digest: str) -> Show:
    """pypiserver; versions before 2 have no ``run``."""

    @contextlib.contextmanager
    def show(packages: Packages, home: Path) -> Iterator[Shown]:
        port = servers.free_port()
        run = ["run"] if tool == "pypiserver" else []
        program = str(programs.tool(tool) / "pypi-server")
        options = ["-p", str(port), "-i", "127.0.0.1", "--disable-fallback", f"--hash-algo={digest or 'off'}"]
        with servers.running([program, *run, *options, str(packages.flat)], port, home):
            yield Shown(f"http://127.0.0.1:{port}/")

    return show


@contextlib.contextmanager
def simple_repository_server(packages: Packages, home: Path) -> Iterator[Shown]:
    port = servers.free_port()
    program = str(programs.tool("simple-repository-server") / "simple-repository-server")
    with servers.running([program, "--host", "127.0.0.1", "--port", str(port), str(packages.nested)], port, home):
        yield Shown(f"http://127.0.0.1:{port}/simple/")


@contextlib.contextmanager
def simpleindex(packages: Packages, home: Path) -> Iterator[Shown]:
    """It has no list of projects, and its pages are at the root."""
    port = servers.free_port()
    configuration = home / "simpleindex.toml"
    configuration.write_text(
        f'[routes."{{project}}"]\nsource = "path"\nto = "{packages.nested}/{{project}}"\n'
        f'[server]\nhost = "127.0.0.1"\nport = {port}\n'
    )
    with servers.running([str(programs.tool("simpleindex") / "simpleindex"), str(configuration)], port, home):
        yield Shown(f"http://127.0.0.1:{port}/")


@contextlib.contextmanager
def morgan(packages: Packages, home: Path) -> Iterator[Shown]:
    """The server that comes with it, at the root; its own mirroring would have written the hashes."""
    port = servers.free_port()

    def changed() -> None:
        for project, files in packages.files.items():
            for name, content in files.items():
                if not name.endswith(".hash"):
                    digest = hashlib.sha256(content).hexdigest()
                    (packages.nested / project / f"{name}.hash").write_text(f"sha256={digest}")

    changed()
    command = [str(programs.tool("morgan") / "morgan"), "--index-path", str(packages.nested), "--host", "127.0.0.1"]
    with servers.running([*command, "--port", str(port), "serve"], port, home):
        yield Shown(f"http://127.0.0.1:{port}/", changed)


@contextlib.contextmanager
def proxpi(packages: Packages, home: Path) -> Iterator[Shown]:
    """A cache, here of a pypiserver; it keeps a page for a second."""
    (home / "behind").mkdir()
    with pypiserver("pypiserver", "sha256")(packages, home / "behind") as behind:
        port = servers.free_port()
        flask = [str(programs.tool("proxpi") / "flask"), "--app", "proxpi.server", "run", "--port", str(port)]
        with servers.running(flask, port, home, PROXPI_INDEX_URL=f"{behind.url}simple/", PROXPI_INDEX_TTL="0"):
            yield Shown(f"http://127.0.0.1:{port}/index/")


@contextlib.contextmanager
def devpi(packages: Packages, home: Path) -> Iterator[Shown]:
    """devpi with an index that files are uploaded to."""
    folder, port = programs.tool("devpi-server"), servers.free_port()
    place = str(home / "server")
    done = programs.run(
        [str(folder / "devpi-init"), "--serverdir", place, "--no-root-pypi"], home, programs.environment(home)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    command = [str(folder / "devpi-server"), "--serverdir", place, "--host", "127.0.0.1", "--port", str(port)]
    with servers.running(command, port, home):
        index = _Devpi(f"http://127.0.0.1:{port}")
        index.take(packages)
        yield Shown(f"{index.url}/+simple/", lambda: index.take(packages))


USER = "root"
"""Of devpi, which it makes itself."""


class _Devpi:
    def __init__(self, address: str) -> None:
        self._login = ""
        answer = self._call("POST", f"{address}/+login", {"user": USER, "password": ""})
        self._login = f"{USER}:{answer['result']['password']}"
        self.url = f"{address}/{USER}/private"
        self._call("PUT", self.url, {"type": "stage", "volatile": True, "bases": []})
        self._held: dict[tuple[str, str], bytes] = {}

    def take(self, packages: Packages) -> None:
        """Upload what is new or another, and delete what is gone."""
        now = {(project, name): data for project, files in packages.files.items() for name, data in files.items()}
        for project, name in self._held.keys() - now.keys():
            self._delete(project, name)
        for (project, name), data in now.items():
            if self._held.get((project, name)) != data:
                self._upload(project, name, data)
        self._held = now

    def _delete(self, project: str, name: str) -> None:
        page = self._call("GET", f"{self.url}/{project}", None)
        for release in page["result"].values():
            for link in release.get("+links", []):
                if link["href"].endswith(f"/{name}"):
                    self._call("DELETE", link["href"], None)

    def _upload(self, project: str, name: str, data: bytes) -> None:
        boundary = uuid.uuid4().hex
        version = name.removesuffix(".tar.gz").split("-")[1]
        fields = {":action": "file_upload", "name": project, "version": version}
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()
        ]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="content"; filename="{name}"\r\n\r\n'
        body = "".join([*parts, head]).encode() + data + f"\r\n--{boundary}--\r\n".encode()
        self._ask("POST", f"{self.url}/", body, f"multipart/form-data; boundary={boundary}")

    def _call(
        self, method: str, url: str, data: dict[str, object] | None
    ) -> dict[str, dict[str, dict[str, list[dict[str, str]]]]]:
        body = None if data is None else json.dumps(data).encode()
        answer: dict[str, dict[str, dict[str, list[dict[str, str]]]]] = json.loads(
            self._ask(method, url, body, "application/json")
        )
        return answer

    def _ask(self, method: str, url: str, body: bytes | None, kind: str) -> bytes:
        headers = {"Content-Type": kind, "Accept": "application/json"}
        if self._login:
            headers["X-Devpi-Auth"] = base64.b64encode(self._login.encode()).decode()
        request = urllib.request.Request(url, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                data: bytes = response.read()
                return data
        except HTTPError as error:
            raise AssertionError(f"{method} {url}: {error.read()!r}") from error


# --- folders of files, made by a program or not, and served by a web server ------------------------------------------

_SITE = "server {{\n listen 80;\n root /srv/pypi/web;\n {}\n}}\n"


@contextlib.contextmanager
def nginx_autoindex(packages: Packages, home: Path) -> Iterator[Shown]:
    """Nothing but the web server's own listing of folders."""
    with servers.nginx(packages.nested, home / "nginx", _SITE.format("autoindex on;")) as site:
        yield Shown(f"{site.url}/")


@contextlib.contextmanager
def python_listing(packages: Packages, home: Path) -> Iterator[Shown]:
    """The same by Python's own server."""
    with servers.python(packages.nested, home / "python") as site:
        yield Shown(f"{site.url}/")


def _made(tool: str, command: Callable[[Packages, Path], list[str]], root: Callable[[Packages, Path], Path]) -> Show:
    """An index that a program makes of the files, served by nginx."""

    @contextlib.contextmanager
    def show(packages: Packages, home: Path) -> Iterator[Shown]:
        def changed() -> None:
            shutil.rmtree(root(packages, home) / "simple", ignore_errors=True)
            (home / "list").write_text(
                "".join(f"{path.name}\n" for path in sorted(packages.flat.iterdir()) if path.is_file())
            )
            program = str(programs.tool(tool) / tool)
            done = programs.run([program, *command(packages, home)], home, programs.environment(home))
            assert done.returncode == 0, done.stdout + done.stderr

        changed()
        with servers.nginx(root(packages, home), home / "nginx", _SITE.format("autoindex on;")) as site:
            yield Shown(f"{site.url}/simple/", changed)

    return show


def _dumb_pypi(packages: Packages, home: Path) -> list[str]:
    out = home / "site"
    out.mkdir(exist_ok=True)
    (out / "files").unlink(missing_ok=True)
    (out / "files").symlink_to(packages.flat)
    return ["--package-list", str(home / "list"), "--packages-url", "../../files/", "--output-dir", str(out)]


@contextlib.contextmanager
def pypa_tree(packages: Packages, home: Path) -> Iterator[Shown]:
    """A mirror that PyPA bandersnatch 8.2 made, in front of it the plainest nginx of our pages."""
    with UpstreamServer() as source:

        def changed() -> None:
            now = {name: (project, data) for project, files in packages.files.items() for name, data in files.items()}
            held = {file.filename: file.content for state in source.index.projects() for file, _ in state.visible}
            for name in held.keys() - now.keys():
                source.index.remove_file(name)
            for name, (project, data) in now.items():
                if held.get(name) != data:
                    if name in held:
                        source.index.remove_file(name)
                    version = name.removesuffix(".tar.gz").split("-")[1]
                    kind = "wheel" if name.endswith(".whl") else "sdist"
                    source.index.upload(project, version, kind, filename=name, content=data)
            configuration = home / "pypa.conf"
            configuration.write_text(
                f"[mirror]\ndirectory = {home}/theirs\nmaster = {source.url}\nallow-non-https = true\ntimeout = 10\n"
                "workers = 3\nverifiers = 2\nstop-on-error = false\njson = true\nhash-index = false\n"
                "release-files = true\nsimple-format = ALL\n"
            )
            program = str(programs.tool("pypa-bandersnatch") / "bandersnatch")
            done = programs.run([program, "-c", str(configuration), "mirror"], home, programs.environment(home))
            assert done.returncode == 0, done.stdout + done.stderr

        changed()
        with servers.nginx(home / "theirs/web", home / "nginx", servers.plainest_nginx()) as site:
            yield Shown(f"{site.url}/simple/", changed)


KINDS = (
    *(Kind("pypiserver 2.4", pypiserver("pypiserver", digest), digest) for digest in ("sha256", "md5", "sha512", "")),
    *(Kind("pypiserver 1.5", pypiserver("old-pypiserver", digest), digest) for digest in ("md5", "sha256", "")),
    Kind("devpi 6.20", devpi, "sha256"),
    Kind("simple-repository-server 0.10", simple_repository_server, ""),
    Kind("proxpi 1.3 before pypiserver", proxpi, "sha256", replaces=False),
    Kind("morgan 0.15", morgan, "sha256"),
    Kind("simpleindex 0.6", simpleindex, "", lists=False),
    Kind(
        "dumb-pypi 1.15",
        _made("dumb-pypi", _dumb_pypi, lambda _, home: home / "site"),
        "",
    ),
    Kind(
        "dir2pi 0.8", _made("dir2pi", lambda packages, _: [str(packages.flat)], lambda packages, _: packages.flat), ""
    ),
    Kind(
        "piprepo 0.1",
        _made("piprepo", lambda packages, _: ["build", str(packages.flat)], lambda packages, _: packages.flat),
        "",
    ),
    Kind("nginx, its own listing", nginx_autoindex, ""),
    Kind("Python's http.server", python_listing, ""),
    Kind("PyPA bandersnatch 8.2, a tree of it", pypa_tree, "sha256"),
)

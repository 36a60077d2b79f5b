"""Trees that the tools themselves have made, taken over: the run afterwards fetches not one byte of a file."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from urllib.request import Request, urlopen

import pytest

from bandersnatch.testing import UpstreamServer
from tests.peers import mirrors, programs, samples
from tests.sync.conftest import World

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]

PYPA = {"pypa-bandersnatch": "8.2", "old-pypa-bandersnatch": "6.8"}


USER = "root"
"""Whose the index of devpi-server is."""


@pytest.fixture
def source() -> Iterator[UpstreamServer]:
    """An upstream with what the tools can take: eight projects of every kind."""
    with UpstreamServer() as server:
        samples.fill(server.index)
        yield server


def adopted(home: Path, tree: Path, *arguments: str) -> dict[str, Any]:
    """Adopt *tree*; the sum of it. Nothing in it is damaged."""
    command = [sys.executable, "-m", "bandersnatch", "adopt", str(tree), "--json", *arguments]
    done = programs.run(command, home, programs.environment(home))
    assert done.returncode == 0, done.stdout + done.stderr
    last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return last


def run(home: Path, source: UpstreamServer, settings: str = "") -> dict[str, Any]:
    """The run after the adoption: what it counted; requests for files that upstream has seen are in *source*."""
    source.reset()
    return mirrors.mirror(home, source.url, settings=settings)


def fresh(tmp_path: Path, source: UpstreamServer) -> dict[str, str]:
    """What a mirror publishes that began with nothing."""
    mirrors.mirror(tmp_path / "fresh", source.url)
    return {
        key: digest for key, digest in mirrors.tree(tmp_path / "fresh/mirror/web").items() if key != "last-modified"
    }


# --- PyPA bandersnatch ---------------------------------------------------------------------------------------------


def pypa(tool: str, home: Path, source: UpstreamServer, options: str) -> Path:
    """Run PyPA bandersnatch; the folder of its mirror."""
    home.mkdir(exist_ok=True)
    configuration = home / "pypa.conf"
    configuration.write_text(
        f"[mirror]\ndirectory = {home}/mirror\nmaster = {source.url}\nallow-non-https = true\ntimeout = 10\n"
        f"workers = 3\nverifiers = 2\nstop-on-error = false\n{options}"
    )
    program = str(programs.tool(tool) / "bandersnatch")
    done = programs.run([program, "-c", str(configuration), "mirror"], home, programs.environment(home))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ERROR" not in done.stderr, done.stderr
    return home / "mirror"


@pytest.mark.parametrize(
    "options",
    [
        "json = true\nhash-index = false\n",
        "json = false\nhash-index = false\n",
        "json = true\nhash-index = false\nkeep_index_versions = 2\n",
        "json = true\nhash-index = true\n",
    ],
    ids=["json", "plain", "index versions", "hash index"],
)
@pytest.mark.parametrize("tool", PYPA, ids=PYPA.values())
def test_pypa(tool: str, options: str, source: UpstreamServer, tmp_path: Path) -> None:
    """A real tree of PyPA bandersnatch, in place: 0 bytes fetched, and all that a fresh mirror publishes is there."""
    home = tmp_path / "old"
    tree = pypa(tool, home, source, options)
    files = [path for path in (tree / "web/packages").rglob("*") if path.is_file() and path.suffix != ".metadata"]
    before = mirrors.tree(tree / "web")
    summed = adopted(home, tree)
    assert summed["fates"]["kept"] == len(files)
    assert before.items() <= mirrors.tree(tree / "web").items()
    assert sorted(os.listdir(tree / "state/former")) == ["generation", "status"]
    finished = run(home, source)
    assert (finished["files"], finished["bytes"], finished["adopted"]) == (0, 0, len(files))
    assert not [
        one.path for one in source.requests if one.path.startswith("/packages/") and ".metadata" not in one.path
    ]
    World(source, tree).check()
    assert fresh(tmp_path, source).items() <= mirrors.tree(tree / "web").items()


def test_pypa_trusted(source: UpstreamServer, tmp_path: Path) -> None:
    """By size and time, nothing is read: PyPA bandersnatch sets the times that its pages state."""
    home = tmp_path / "old"
    tree = pypa("pypa-bandersnatch", home, source, "json = true\nhash-index = false\n")
    for path in (tree / "web/packages").rglob("*"):
        if path.is_file():
            path.chmod(0)  # who reads it would be refused, but for root, who is stopped by nothing
    summed = adopted(home, tree, "--trust-size")
    assert "damaged" not in summed["fates"]
    for path in (tree / "web/packages").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    assert run(home, source)["bytes"] == 0


# --- the others ----------------------------------------------------------------------------------------------------


def test_morgan(source: UpstreamServer, tmp_path: Path) -> None:
    """The folder of morgan: each file by the digest beside it."""
    home, theirs = tmp_path / "home", tmp_path / "morgan"
    theirs.mkdir()
    (theirs / "morgan.ini").write_text(
        "[env.here]\nos_name = posix\nsys_platform = linux\nplatform_machine = x86_64\nplatform_system = Linux\n"
        "platform_python_implementation = CPython\nimplementation_name = cpython\npython_version = 3.11\n"
        "python_full_version = 3.11.7\n\n[requirements]\nbeta = >=1\ndated = \n"
    )
    program = str(programs.tool("morgan") / "morgan")
    command = [program, "mirror", "-i", str(theirs), "-I", f"{source.url}/simple/", "-c", str(theirs / "morgan.ini")]
    done = programs.run(command, tmp_path, programs.environment(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    check_taken(home, theirs, source)


def test_pip_download(source: UpstreamServer, tmp_path: Path) -> None:
    """What pip has downloaded, in one folder."""
    home, theirs = tmp_path / "home", tmp_path / "downloads"
    pip = str(programs.tool("pip") / "python")
    command = [pip, "-m", "pip", "download", "-q", "--no-deps", "-d", str(theirs), "-i", f"{source.url}/simple/"]
    command += ["--disable-pip-version-check", "--isolated", "beta==2.0", "dated==1.0", "alpha==1.0"]
    done = programs.run(command, tmp_path, programs.environment(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    check_taken(home, theirs, source)


def test_devpi(source: UpstreamServer, tmp_path: Path) -> None:
    """The files that devpi-server keeps of the index that it mirrors."""
    home, theirs = tmp_path / "home", tmp_path / "devpi"
    with _devpi(theirs, source) as url:
        page = json.loads(_get(f"{url}/beta/", "application/vnd.pypi.simple.v1+json"))
        for file in page["files"]:
            _get(urljoin(f"{url}/beta/", file["url"]), "*/*")
    check_taken(home, theirs, source)


def check_taken(home: Path, theirs: Path, source: UpstreamServer) -> None:
    """Every file that the tool has is taken, and is not among those that the run fetches."""
    home.mkdir()
    names = {path.name for path in theirs.rglob("*") if path.suffix in (".whl", ".gz", ".zip") and path.is_file()}
    assert names
    summed = adopted(home, theirs, "--directory", str(home / "mirror"))
    assert summed["fates"]["taken"] == len(names)
    assert "damaged" not in summed["fates"]
    finished = run(home, source)
    assert finished["adopted"] == len(names)
    fetched = {one.path.rpartition("/")[2] for one in source.requests if one.path.startswith("/packages/")}
    assert not fetched & names
    World(source, home / "mirror").check()


@contextlib.contextmanager
def _devpi(place: Path, source: UpstreamServer) -> Iterator[str]:
    """devpi-server with *source* for its mirror; the address of that index."""
    bin_folder, env = programs.tool("devpi-server"), programs.environment(place.parent, DEVPISERVER_OFFLINE_MODE="0")
    init = [str(bin_folder / "devpi-init"), "--serverdir", str(place), "--no-root-pypi"]
    done = programs.run(init, place.parent, env)
    assert done.returncode == 0, done.stdout + done.stderr
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = [str(bin_folder / "devpi-server"), "--serverdir", str(place), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(server, cwd=place.parent, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/+api")
        login = _call(f"{address}/+login", {"user": USER, "password": ""})["result"]["password"]
        index = {"type": "mirror", "mirror_url": f"{source.url}/simple/", "volatile": True}
        _call(f"{address}/{USER}/pypi", index, method="PUT", login=f"{USER}:{login}")
        yield f"{address}/{USER}/pypi/+simple"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _get(url: str, accept: str) -> bytes:
    with urlopen(Request(url, headers={"Accept": accept}), timeout=30) as response:
        body: bytes = response.read()
        return body


def _call(url: str, data: dict[str, object], *, method: str = "POST", login: str = "") -> dict[str, Any]:

    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if login:
        headers["X-Devpi-Auth"] = base64.b64encode(login.encode()).decode()
    with urlopen(Request(url, json.dumps(data).encode(), headers, method=method), timeout=30) as response:
        answer: dict[str, Any] = json.loads(response.read())
        return answer


def _wait_for(url: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            _get(url, "*/*")
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)

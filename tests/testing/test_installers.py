"""What only a real installer can say: that the pages, the metadata and the files are what it expects."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from bandersnatch.testing import STATIC_COPY, Behaviour, Status, UpstreamServer

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="pip is not installed"),
]


def pip(server: UpstreamServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pip with *arguments* and the server as its only index."""
    command = [sys.executable, "-m", "pip", "--isolated", "--no-cache-dir", "--disable-pip-version-check", *arguments]
    command += ["--index-url", f"{server.url}/simple/"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("behaviour", [Behaviour(), Behaviour(page_format="html", relative_urls=True), STATIC_COPY])
def test_pip_downloads_wheels(behaviour: Behaviour, tmp_path: Path) -> None:
    """pip takes the newest wheel that is not yanked, byte for byte, from PyPI, from HTML and from a static copy."""
    with UpstreamServer(behaviour=behaviour) as server:
        wanted = server.index.upload("Foo.Bar", "1.0")
        server.index.upload("Foo.Bar", "2.0")
        server.index.yank("Foo.Bar", "2.0", "broken")
        done = pip(server, "download", "--no-deps", "--dest", str(tmp_path), "foo-bar")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [wanted.filename]
    assert (tmp_path / wanted.filename).read_bytes() == wanted.content


def test_pip_installs_what_was_made(server: UpstreamServer, tmp_path: Path) -> None:
    """A wheel, the wheel that it requires, and an sdist can be installed and imported."""
    server.index.upload("alpha", "1.0", requires_dist=["beta>=1", "Gamma"], padding=50_000)
    server.index.upload("beta", "1.0", python="py2.py3")
    server.index.upload("Gamma", "1.0", "sdist")
    done = pip(server, "install", "--target", str(tmp_path), "alpha")
    assert done.returncode == 0, done.stderr
    code = "import alpha, beta, gamma; print(alpha.__version__, beta.__version__, gamma.__version__)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout == "1.0 1.0 1.0\n"
    assert server.count("*.whl.metadata") == 2


def test_pip_sees_faults(server: UpstreamServer, tmp_path: Path) -> None:
    """A fault that is ordered once is met by pip, which tries again."""
    server.index.upload("foo", "1.0")
    server.fault("/simple/foo/", Status(503))
    done = pip(server, "download", "--no-deps", "--dest", str(tmp_path), "foo")
    assert done.returncode == 0, done.stderr
    assert [request.status for request in server.requests if request.path == "/simple/foo/"] == [503, 200]

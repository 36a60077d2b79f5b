"""Mirrors of a mirror: ours behind ours, and PyPA bandersnatch behind ours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bandersnatch.testing import Index, UpstreamServer, make_certificates
from tests.peers import documents, mirrors, programs, samples, servers
from tests.sync.conftest import World

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]

OWN = {"last-modified"}
"""What each mirror says of itself: when it ran."""


@pytest.fixture
def source() -> Iterator[UpstreamServer]:
    """An upstream that the test changes."""
    with UpstreamServer() as server:
        samples.fill(server.index)
        yield server


def published(web: Path) -> dict[str, str]:
    return {key: digest for key, digest in mirrors.tree(web).items() if key not in OWN}


# --- ours behind ours ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chained", [False, True], ids=["nginx.md", "chain.md"])
def test_ours_behind_ours(chained: bool, source: UpstreamServer, tmp_path: Path) -> None:
    """A mirror of a mirror is the same tree, and changes travel through both, whether or not a header tells serials."""
    first, second = tmp_path / "first", tmp_path / "second"
    # Without an https address of its own, the first mirror's pages link provenance where it came from.
    allowed = f'[upstream]\nfile-hosts = ["{source.url.removeprefix("http://")}"]\n'
    mirrors.mirror(first, source.url)
    with servers.nginx(first / "mirror/web", tmp_path / "nginx", servers.documented_nginx(chained)) as site:
        mirrors.mirror(second, site.simple, settings=allowed)
        assert published(second / "mirror/web") == published(first / "mirror/web")

        change(source.index)
        mirrors.mirror(first, source.url, "--accept-removals")
        finished = mirrors.mirror(second, site.simple, "--accept-removals", settings=allowed)
        assert finished["files"] == 2
        assert pages(published(second / "mirror/web")) == pages(published(first / "mirror/web"))
        World(source, second / "mirror").check()

        site.forget()
        mirrors.mirror(second, site.simple, settings=allowed)
        assert [(one.path, one.status) for one in site.asked()] == [("/simple/", 304)]


def change(index: Index) -> None:
    """Two new files, a yank, and a removal of each kind."""
    index.upload("beta", "1.6")
    index.yank("beta", "1.5", "slow")
    index.upload("new", "1.0")
    index.remove_file("dated-1.0-py3-none-any.whl")
    index.remove_project("old")
    index.quarantine("gamma-dots")


def test_provenance_behind_https(source: UpstreamServer, tmp_path: Path) -> None:
    """A mirror that knows its https address offers provenance there, and a mirror of it needs nobody else."""
    first, second = tmp_path / "first", tmp_path / "second"
    certificates, port = make_certificates(tmp_path), servers.free_port()
    address = f"https://127.0.0.1:{port}/"
    mirrors.mirror(first, source.url, settings=f'[publish]\nbase-url = "{address}"\n')
    source.reset()
    text = servers.documented_nginx()
    with servers.nginx(first / "mirror/web", tmp_path / "nginx", text, port=port, tls=certificates):
        mirrors.mirror(second, address, settings=f'[upstream]\nca-file = "{certificates.authority}"\n')
    assert source.requests == []
    theirs, ours = published(first / "mirror/web"), published(second / "mirror/web")
    # The first mirror's address is in its legacy JSON; the second one, which has none, writes paths.
    legacy = {key for key in theirs if key.startswith("pypi/")}
    assert ours.keys() == theirs.keys()
    assert {key for key in theirs if ours[key] != theirs[key]} == legacy
    [file] = [file for file in mirrors.page(second / "mirror/web", "alpha")["files"] if file.get("provenance")]
    assert file["provenance"] == f"{address}integrity/alpha/1.0/{file['filename']}/provenance"


def pages(tree: dict[str, str]) -> dict[str, str]:
    """What is named by an index or a page: files that were removed wait for their sweep in either mirror."""
    return {key: digest for key, digest in tree.items() if not key.startswith(("packages/", "integrity/"))}


# --- PyPA bandersnatch behind ours ---------------------------------------------------------------------------------


def pypa(home: Path, master: str) -> Path:
    """Run PyPA bandersnatch as the page on chains configures it; its published tree."""
    home.mkdir(exist_ok=True)
    [text] = documents.blocks("chain.md", "ini")
    changes = (("directory = /srv/pypi", f"directory = {home}/mirror"), ("https://pypi.example.org", master))
    configuration = home / "bandersnatch.conf"
    # It refuses plain HTTP, which is all that this machine's loopback interface needs.
    configuration.write_text(documents.fill(text, *changes) + "allow-non-https = true\n")
    program = str(programs.tool("pypa-bandersnatch") / "bandersnatch")
    done = programs.run([program, "-c", str(configuration), "mirror"], home, programs.environment(home))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ERROR" not in done.stderr, done.stderr
    return home / "mirror/web"


def files_of(page: dict[str, Any]) -> dict[str, tuple[object, ...]]:
    """What both programs say of each file of a page, by its name."""
    return {
        file["filename"]: (
            file["url"],
            file["hashes"]["sha256"],
            file["size"],
            file.get("requires-python") or None,
            bool(file["yanked"]),  # PyPA bandersnatch drops the reason
            file.get("core-metadata") or False,
        )
        for file in page["files"]
    }


def assert_agree(ours: Path, theirs: Path) -> None:
    """Both trees hold the same files with the same content, and their pages say the same of them."""
    assert stored(theirs) == stored(ours)
    # A project without a release has no page in PyPI's older JSON, which is what PyPA bandersnatch reads.
    with_files = {name for name in mirrors.projects(ours) if mirrors.page(ours, name)["files"]}
    assert mirrors.projects(theirs) == with_files
    for name in with_files:
        assert files_of(mirrors.page(theirs, name)) == files_of(mirrors.page(ours, name)), name


def stored(web: Path) -> dict[str, str]:
    """The files that pages of *web* link, and their core metadata, with their digests."""
    found = {}
    for name in mirrors.projects(web):
        for file in mirrors.page(web, name)["files"]:
            path = (web / "simple" / name / file["url"]).resolve()
            names = [path, path.with_name(f"{path.name}.metadata")] if file.get("core-metadata") else [path]
            for one in names:
                found[one.relative_to(web.resolve()).as_posix()] = hashlib.sha256(one.read_bytes()).hexdigest()
    return found


def test_pypa_behind_ours(source: UpstreamServer, tmp_path: Path) -> None:
    """PyPA bandersnatch mirrors a mirror of ours, completely, and again when it has changed."""
    first, second = tmp_path / "first", tmp_path / "second"
    mirrors.mirror(first, source.url)
    ours = first / "mirror/web"
    with servers.nginx(ours, tmp_path / "nginx", servers.documented_nginx(chained=True)) as site:
        theirs = pypa(second, site.url)
        assert_agree(ours, theirs)
        assert (second / "mirror/status").read_text() == str(source.index.serial)

        source.index.upload("beta", "1.6")
        source.index.yank("beta", "1.5", "slow")
        source.index.upload("new", "1.0")
        mirrors.mirror(first, source.url)
        pypa(second, site.url)
        assert_agree(ours, theirs)
        assert (second / "mirror/status").read_text() == str(source.index.serial)

"""A few small projects of the real PyPI: about 25 MB the first time, one request after the other."""

from __future__ import annotations

import hashlib
import html.parser
import json
import os
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from bandersnatch.config.defaults import PYPI
from bandersnatch.names import normalise
from tests.peers import installers, mirrors, servers
from tests.peers.servers import Site

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

PROJECTS = (
    "six",
    "iniconfig",
    "idna",
    "toml",  # an egg
    "zope.event",  # a dot, an egg, yanked releases
    "zc.recipe.egg",  # many eggs, pre-releases of the old kind
    "argparse",  # Windows installers: exe and msi
    "antlr4-python3-runtime",
    "PasteDeploy",  # capitals
    "wsgiref",  # nothing but zip archives and eggs
)

MISFILED = {"toml": {"0.9.3.1"}}
"""Versions of files that PyPI keeps in another release, here toml-0.9.3.1.tar.gz in 0.9.3: no page says which."""

JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a mirror of the projects is, made by the command line alone."""
    home = tmp_path_factory.mktemp("real")
    finished = run(home)
    assert (finished["behind"], finished["skipped"], finished["refreshed"]) == (0, 0, len(PROJECTS))
    return home


@pytest.fixture(scope="module")
def site(home: Path) -> Iterator[Site]:
    with servers.nginx(home / "mirror/web", home / "nginx", servers.documented_nginx()) as site:
        yield site


def run(home: Path) -> dict[str, Any]:
    # The machine's own way to the outside, a proxy for instance, is in its environment.
    empty = home / "bandersnatch.conf"
    empty.write_text("[upstream]\nconnections = 1\nstreams = 1\n")
    return mirrors.ran(home, "-c", str(empty), "mirror", "--directory", "mirror", *PROJECTS, env=os.environ)


# --- what PyPI says, read without any code of ours ------------------------------------------------------------------


class Anchors(html.parser.HTMLParser):
    """The links of a page in HTML, as the JSON form would have them."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a link's facts."""
        if tag == "a":
            facts = dict(attrs)
            url, _, digest = (facts["href"] or "").partition("#sha256=")
            yanked = facts.get("data-yanked") or True if "data-yanked" in facts else False
            requires = facts.get("data-requires-python")
            filename = url.rpartition("/")[2]
            self.files.append(
                {"filename": filename, "url": url, "hashes": {"sha256": digest}, "yanked": yanked}
                | ({"requires-python": requires} if requires else {})
            )


def upstream_page(name: str) -> dict[str, Any]:
    """The page of PyPI, or of a copy of it that knows no JSON."""
    url = f"{PYPI}{normalise(name)}/"
    request = urllib.request.Request(url, headers={"Accept": JSON, "User-Agent": "bandersnatch-tests"})
    with urllib.request.urlopen(request, timeout=60) as response:
        body = response.read().decode()
        if response.headers.get_content_type() == JSON:
            page: dict[str, Any] = json.loads(body)
        else:
            anchors = Anchors()
            anchors.feed(body)
            page = {"name": normalise(name), "files": anchors.files}
        for file in page["files"]:
            file["url"] = urljoin(response.url, file["url"])
    return page


# --- the tests -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROJECTS)
def test_page(name: str, home: Path) -> None:
    """Our page has the files of PyPI's page, says the same of each, and links it at the same path."""
    theirs, ours = upstream_page(name), mirrors.page(home / "mirror/web", normalise(name))
    assert ours["name"] == theirs["name"]
    by_name = {file["filename"]: file for file in theirs["files"]}
    assert sorted(file["filename"] for file in ours["files"]) == sorted(by_name)
    for own in ours["files"]:
        other = by_name[own["filename"]]
        assert own["hashes"] == {"sha256": other["hashes"]["sha256"]}
        assert own["url"].removeprefix("../../") == urlsplit(other["url"]).path.lstrip("/")
        assert own.get("requires-python") == other.get("requires-python")
        assert own["yanked"] == other.get("yanked", False)
        for fact in ("size", "upload-time"):
            assert own.get(fact) == other[fact] if fact in other else True
        if isinstance(other.get("core-metadata"), dict):
            assert own["core-metadata"] == other["core-metadata"]
    if "versions" in theirs:
        # A copy of PyPI may list releases without files, as PyPI itself did once.
        assert set(ours["versions"]) - set(theirs["versions"]) <= MISFILED.get(name, set())
    if "_last-serial" in theirs.get("meta", {}):
        assert ours["meta"]["_last-serial"] == int(theirs["meta"]["_last-serial"])


@pytest.mark.parametrize("name", PROJECTS)
def test_files(name: str, home: Path) -> None:
    """Every file is there with its content: by SHA-256, and by the BLAKE2b that PyPI puts into its path."""
    web = home / "mirror/web"
    for file in mirrors.page(web, normalise(name))["files"]:
        path = web / file["url"].removeprefix("../../")
        content = path.read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["hashes"]["sha256"]
        assert hashlib.blake2b(content, digest_size=32).hexdigest() == "".join(path.parts[-4:-1])
        assert len(content) == file["size"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", file["upload-time"])


def test_second_run(home: Path) -> None:
    """A second run fetches no file."""
    assert run(home)["files"] == 0


@pytest.mark.parametrize("name", installers.INSTALLERS)
@pytest.mark.parametrize("project", ["idna", "six"])
def test_install(name: str, project: str, home: Path, site: Site, tmp_path: Path) -> None:
    """Every installer installs what was mirrored."""
    python = installers.INSTALLERS[name](tmp_path, site.simple, project)
    [version] = installers.versions(python, tmp_path, [project]).values()
    assert version in mirrors.page(home / "mirror/web", project)["versions"]

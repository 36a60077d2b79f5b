"""Logs that nginx and Caddy wrote while pip and uv installed through them, counted; and the page, served by them."""

from __future__ import annotations

import bz2
import contextlib
import csv
import io
import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers import documents, installers, programs, servers
from tests.peers.servers import Site

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]

FILES = {
    "alpha-1.0-py3-none-any.whl",
    "beta-1.5-py3-none-any.whl",
    "Capital-1.0-py3-none-any.whl",
    "gamma_dots-1.0.tar.gz",
}
"""What ``alpha`` and all that it needs comes to."""

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


@dataclass(frozen=True)
class Logged:
    """A server in front of a mirror of its own, and its logs, each with the option that says how it is written."""

    site: Site
    mirror: Path
    logs: dict[str, tuple[Path, tuple[str, ...]]]

    def run(self, *arguments: str) -> str:
        """What a command of ours prints about the mirror."""
        command = [sys.executable, "-m", "bandersnatch", *arguments, "--directory", str(self.mirror)]
        done = programs.run(command, self.mirror, programs.environment(self.mirror))
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def update(self, log: str) -> dict[str, int]:
        """Count one of the logs. Returns what was counted and what was not."""
        path, options = self.logs[log]
        facts = json.loads(self.run("update-stats", "--json", *options, str(path)))
        return {"counted": facts["counted"], **facts["not_counted"]}

    def day_files(self) -> Counter[str]:
        """Downloads by file name, from the files of days."""
        total: Counter[str] = Counter()
        for path in (self.mirror / "web/local-stats/days").iterdir():
            for _, filename, _, count in csv.reader(io.StringIO(bz2.decompress(path.read_bytes()).decode())):
                total[filename] += int(count)
        return total


@contextlib.contextmanager
def nginx(web: Path, home: Path) -> Iterator[Logged]:
    """The documented nginx, with its own combined log and the one that the page on statistics describes."""
    mirror = home / "mirror"
    shutil.copytree(web, mirror / "web")
    form, location = documents.blocks("statistics.md", "nginx")
    form, access = form.rstrip().split("\naccess_log ")
    written = home / "nginx" / "downloads.log"
    combined = home / "nginx" / "combined.log"
    access = documents.fill(f"access_log {access}", ("/var/log/nginx/downloads.log", str(written)))
    name = "server_name pypi.example.org;"
    more = f"{name}\n{access}\naccess_log {combined} combined;\naccess_log {home}/nginx/access.log plain;\n{location}"
    text = f"{form}\n{documents.fill(servers.documented_nginx(), (name, more))}"
    described = form.removeprefix("log_format downloads '").removesuffix("';")
    with servers.nginx(mirror / "web", home / "nginx", text) as site:
        yield Logged(site, mirror, {"combined": (combined, ()), "downloads": (written, ("--format", described))})


@contextlib.contextmanager
def caddy(web: Path, home: Path) -> Iterator[Logged]:
    """The documented Caddy, with a log."""
    mirror = home / "mirror"
    shutil.copytree(web, mirror / "web")
    [handle] = documents.blocks("statistics.md", "caddy")
    log = home / "caddy.log"
    text = documents.fill(
        servers.documented_caddy(),
        ("\troot * /srv/pypi/web\n", f"\troot * /srv/pypi/web\n\tlog {{\n\t\toutput file {log}\n\t}}\n"),
        ("\thandle {\n", f"{handle}\thandle {{\n"),
    )
    with servers.caddy(mirror / "web", home / "caddy", text) as site:
        yield Logged(site, mirror, {"json": (log, ())})


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def logged(request: pytest.FixtureRequest, web: Path, tmp_path: Path) -> Iterator[Logged]:
    with request.param(web, tmp_path) as logged:
        yield logged


def by_hand(logged: Logged) -> Counter[str]:
    """What was downloaded by the server's log, without any of our code: whole answers of files that are archives."""
    if "json" in logged.logs:
        entries = [json.loads(line) for line in logged.logs["json"][0].read_text().splitlines()]
        asked = [(one["request"]["method"], one["request"]["uri"], one["status"]) for one in entries]
    else:
        asked = [(one.method, one.path, one.status) for one in logged.site.asked()]
    names = (path.rpartition("/")[2] for method, path, status in asked if (method, status) == ("GET", 200))
    return Counter(name for name in names if name.endswith((".whl", ".tar.gz")))


def test_what_pip_and_uv_download(logged: Logged, tmp_path: Path) -> None:
    """The totals are those that a count by hand gives; installers, Pythons and systems are those of this machine."""
    for installer in (installers.with_pip, installers.with_uv, installers.with_pip):
        home = tmp_path / f"home{len(list(tmp_path.iterdir()))}"
        home.mkdir()
        installer(home, logged.site.simple, "alpha")
    assert by_hand(logged) == dict.fromkeys(FILES, 3)
    for log in logged.logs:
        shutil.rmtree(logged.mirror / "state", ignore_errors=True)
        (logged.mirror / "state").mkdir()
        facts = logged.update(log)
        assert (facts["counted"], facts["unreadable"]) == (12, 0)
        assert facts["elsewhere"] >= 9  # pages, and core metadata
        assert logged.day_files() == by_hand(logged)
        assert logged.update(log)["counted"] == 0
        for by, expected in (
            ("installer", {"pip": 8, "uv": 4}),
            ("python", {PYTHON: 12}),
            ("implementation", {"CPython": 12}),
            ("system", {"Linux": 12}),
            ("project", {"alpha": 3, "beta": 3, "capital": 3, "gamma-dots": 3}),
        ):
            rows = list(csv.reader(io.StringIO(logged.run("stats", "--csv", "--by", by))))[1:]
            assert {label: int(count) for label, count in rows} == expected


def test_pieces_and_heads(logged: Logged) -> None:
    """Range and HEAD requests, as servers really log them, count by the rules."""
    [path] = logged.mirror.glob("web/packages/*/*/*/alpha-1.0-*.whl")
    key = "/" + path.relative_to(logged.mirror / "web").as_posix()
    assert logged.site.ask(key, "HEAD").status == 200
    assert logged.site.ask(key, Range="bytes=-1000").status == 206
    assert logged.site.ask(key, Range="bytes=0-99").status == 206
    assert logged.site.ask(key, Range="bytes=100000-").status == 206
    assert logged.site.ask(key, Range="bytes=0-").status == 206
    etag = logged.site.ask(f"{key}.metadata").header("ETag") or ""
    assert logged.site.ask(key, User_Agent="Googlebot/2.1").status == 200
    assert logged.site.ask("/packages/aa/bb/cc/absent-1.0.tar.gz").status == 404
    assert etag
    for log in logged.logs:
        shutil.rmtree(logged.mirror / "state", ignore_errors=True)
        (logged.mirror / "state").mkdir()
        facts = logged.update(log)
        # Only the combined log has no Range: there the piece that begins the file cannot be told.
        assert facts["counted"] == (0 if log == "combined" else 1)
        assert facts["piece"] == (4 if log == "combined" else 3)
        assert (facts["method"], facts["bot"], facts["status"]) == (1, 1, 1)


def test_the_page_is_served(logged: Logged) -> None:
    """The page of charts and the files of days can be had from the server, by the lines that the page gives for it."""
    logged.site.ask("/simple/alpha/")
    logged.update(next(iter(logged.logs)))
    page = logged.site.ask("/local-stats/")
    assert page.status == 200
    assert (page.header("Content-Type") or "").startswith("text/html")
    assert b"<h1>Downloads</h1>" in page.body
    [day] = (logged.mirror / "web/local-stats/days").iterdir()
    assert logged.site.ask(f"/local-stats/days/{day.name}").body == day.read_bytes()

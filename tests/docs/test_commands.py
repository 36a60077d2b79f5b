"""The commands that the pages show, run as they stand there."""

from __future__ import annotations

import configparser
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from bandersnatch.cli.main import build_parser
from bandersnatch.testing import UpstreamServer
from tests.docs.markdown import PAGES, ROOT, Block, blocks, name
from tests.docs.session import Session, fill

SHELL = ("console", "sh", "bash", "shell")

NOT_RUN = {
    ("README.md", "make mirror"): "installs from PyPI and mirrors from PyPI",
    ("README.md", "make test"): "it is what runs this page",
    ("README.md", "python3 -m venv .venv && .venv/bin/pip install '.[closure]'"): "installs from PyPI",
    ("docs/how-to/cron-and-systemd.md", "umask 022"): "needs root, and makes a user",
    (
        "docs/how-to/cron-and-systemd.md",
        "runuser -u mirror -- /opt/bandersnatch/bin/bandersnatch mirror -v",
    ): "needs root, and makes a user",
    (
        "docs/how-to/statistics.md",
        "journalctl -u caddy -o cat --cursor-file=/srv/pypi/state/journal-cursor | bandersnatch update-stats -",
    ): "needs systemd",
    ("docs/how-to/cron-and-systemd.md", "systemctl daemon-reload"): "needs root, and systemd",
    ("docs/how-to/shell.md", "man bandersnatch-mirror"): "man shows a page on a terminal, where there is a man",
}
"""Every block that is not run: its page, its first command, and the reason that the page gives."""

SHOWN = [page for page in PAGES if any(block.not_run is None for block in blocks(page, *SHELL))]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with UpstreamServer() as upstream:
        fill(upstream.index)
        with Session(tmp_path, upstream) as session:
            yield session


def test_what_is_not_run() -> None:
    """The blocks that are not run are these and no others, each with its reason in the page."""
    marked = {
        (block.page, block.steps[0][0]): block.not_run
        for page in PAGES
        for block in blocks(page, *SHELL)
        if block.not_run is not None
    }
    assert marked == NOT_RUN


def test_the_main_pages_are_run() -> None:
    """The front page, the tutorial and the how-to pages with commands are among those that are run."""
    pages = ["README.md", "docs/tutorial.md", "docs/how-to/recover.md", "docs/how-to/private-upstream.md"]
    assert set(pages) <= {name(page) for page in SHOWN}


@pytest.mark.timeout(300)  # a virtual environment alone can take many seconds on a busy machine
@pytest.mark.parametrize("page", SHOWN, ids=name)
def test_page(page: Path, session: Session) -> None:
    """Every command of the page, one after the other, prints what the page says, but for numbers and addresses."""
    for block in blocks(page, *SHELL):
        if block.not_run is None:
            _run(block, session)
    for block in blocks(page, "crontab"):
        _run_quietly(block, session)


def _run(block: Block, session: Session) -> None:
    place = f"{block.page}:{block.line}"
    for command, shown in block.steps:
        printed, code = session.run(command)
        assert session.expected(shown).fullmatch(printed), f"{place}: {command}\nshown:\n{shown}\nprinted:\n{printed}"
        assert shown or code == 0, f"{place}: {command} exited with {code}"


def _run_quietly(block: Block, session: Session) -> None:
    """A line for cron's user table prints nothing, or cron would mail it. (One for /etc has a user in it.)"""
    for line in block.text.splitlines():
        schedule = line.split(None, 5)
        if schedule[0] == "*/2" and schedule[5].startswith("bandersnatch"):
            assert session.run(f"/bin/sh -c {shlex.quote(schedule[5])}") == ("", 0)


def test_units_and_cron_lines() -> None:
    """What systemd and cron are told to start are commands that there are."""
    lines = []
    for page in PAGES:
        for block in blocks(page, "systemd"):
            unit = configparser.ConfigParser(interpolation=None, strict=True)
            unit.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep capitals
            unit.read_string(block.text)
            assert set(unit.sections()) <= {"Unit", "Service", "Timer", "Install"}
            lines += [value for section in unit.values() for key, value in section.items() if key == "ExecStart"]
        for block in blocks(page, "crontab"):
            lines += re.findall(r"\bbandersnatch [^|\n]*?(?= 2>&1|$)", block.text, re.M)
    assert len(lines) >= 3
    for line in lines:
        build_parser().parse_args(shlex.split(line)[1:])


def test_configurations(tmp_path: Path) -> None:
    """Every TOML block is a configuration that is read without a problem."""
    from bandersnatch.config.load import load

    for page in PAGES:
        for number, block in enumerate(blocks(page, "toml")):
            path = tmp_path / f"{number}.toml"
            path.write_text(block.text)
            load(path, {})


def test_no_page_is_forgotten() -> None:
    """Every page can be reached from the documentation's own index, and that from the front page."""
    index = (ROOT / "docs/README.md").read_text("utf-8")
    assert "(docs/README.md)" in (ROOT / "README.md").read_text("utf-8")
    pages = {name(page).removeprefix("docs/") for page in PAGES if page.is_relative_to(ROOT / "docs")}
    missing = {page for page in pages - {"README.md"} if f"({page})" not in index and not page.startswith("adr/0")}
    assert missing == set()

"""The tables of hooks: read strictly, and shown without what is secret in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bandersnatch.config import show
from bandersnatch.hooks.base import Form, Occasion
from tests.config.helpers import SECRET, loaded, problems

COMMAND = '[hooks.purge]\non = ["changed", "run"]\ncommand = ["purge", "--all"]\ntimeout = "5m"\nlist = "keys"\n'
URL = (
    f'[hooks.alarm]\non = ["disk"]\nurl = "https://alarm.example.org/{SECRET}?key={SECRET}"\n'
    f'headers = {{ X-Key = "{SECRET}" }}\ntoken-file = "/run/secrets/alarm"\nrepeat = true\n'
)


def test_read(tmp_path: Path) -> None:
    """A table becomes a hook with all that it says, and what it does not say has its default."""
    hooks = loaded(tmp_path, COMMAND + URL).config.hooks
    purge, alarm = hooks["purge"], hooks["alarm"]
    assert purge.command == ("purge", "--all")
    assert purge.on == (Occasion.CHANGED, Occasion.RUN)
    assert (purge.timeout, purge.form, purge.repeat) == (300.0, Form.KEYS, False)
    assert (alarm.timeout, alarm.form, alarm.repeat) == (60.0, Form.PATHS, True)
    assert alarm.url is not None
    assert alarm.headers == {"X-Key": SECRET}


def test_words(tmp_path: Path) -> None:
    """A command in one text is split as a shell splits words, and that is all that is done to it."""
    hooks = loaded(tmp_path, "[hooks.a]\non = ['run']\ncommand = 'purge \"a b\" $HOME *;'\n").config.hooks
    assert hooks["a"].command == ("purge", "a b", "$HOME", "*;")


def test_no_secret_is_shown(tmp_path: Path) -> None:
    """Of a URL its host is shown, of headers their names; what is shown can be read again."""
    got = loaded(tmp_path, COMMAND + URL)
    shown = [repr(got), repr(got.config.hooks["alarm"]), show.as_toml(got), json.dumps(show.as_data(got))]
    assert SECRET not in "".join(shown)
    assert 'url = "https://alarm.example.org/***"' in show.as_toml(got)
    assert 'X-Key = "***"' in show.as_toml(got)
    (tmp_path / "again").mkdir()
    again = loaded(tmp_path / "again", show.as_toml(got))
    assert again.config.hooks["purge"] == got.config.hooks["purge"]


BAD = {
    "neither": ("on = ['run']", "hooks.a: wants either a command or a url"),
    "both": ("on = ['run']\ncommand = 'x'\nurl = 'https://h/'", "wants either a command or a url"),
    "no on": ("command = 'x'", "on is missing"),
    "empty on": ("on = []\ncommand = 'x'", "hooks.a.on: wants a list"),
    "misspelt on": ("on = ['chnaged']\ncommand = 'x'", 'did you mean "changed"?'),
    "misspelt key": ("on = ['run']\ncommand = 'x'\ntimeuot = '1s'", 'did you mean "timeout"?'),
    "no words": ("on = ['run']\ncommand = ''", "hooks.a.command: names no program"),
    "open quote": ("on = ['run']\ncommand = \"x 'y\"", "cannot be split into words"),
    "numbers": ("on = ['run']\ncommand = ['x', 1]", "hooks.a.command: wants a list of texts"),
    "scheme": (f"on = ['run']\nurl = 'ftp://h/{SECRET}'", "hooks.a.url: wants an address"),
    "userinfo": (f"on = ['run']\nurl = 'https://u:{SECRET}@h/'", "user and password do not belong into it"),
    "port": (f"on = ['run']\nurl = 'https://h:{SECRET}/'", "hooks.a.url: wants an address"),
    "plain http": (f"on = ['run']\nurl = 'http://h.example.org/{SECRET}'", "its url is not encrypted"),
    "header": (f"on = ['run']\nurl = 'https://h/'\nheaders = {{ 'a b' = '{SECRET}' }}", "no name of a header"),
    "header's value": (f'on = ["run"]\nurl = "https://h/"\nheaders = {{ a = "{SECRET}\\r\\nb: c" }}', "on one line"),
    "headers of a command": ("on = ['run']\ncommand = 'x'\nheaders = { a = 'b' }", "are for a url"),
    "timeout": ("on = ['run']\ncommand = 'x'\ntimeout = '0s'", "wants a duration"),
    "no unit": ("on = ['run']\ncommand = 'x'\ntimeout = '5'", "the unit is missing"),
    "list": ("on = ['run']\ncommand = 'x'\nlist = 'files'", "hooks.a.list: wants urls, paths, keys"),
    "urls without an address": ("on = ['changed']\ncommand = 'x'\nlist = 'urls'", "set base-url under [publish]"),
    "repeat": ("on = ['run']\ncommand = 'x'\nrepeat = 1", "wants true or false"),
}


@pytest.mark.parametrize(("table", "message"), BAD.values(), ids=BAD)
def test_problems(tmp_path: Path, table: str, message: str) -> None:
    """What is wrong is said with file, line and key, and no secret of it."""
    printed = "\n".join(problems(tmp_path, f"[hooks.a]\n{table}\n"))
    assert message in printed
    assert "hooks.a" in printed
    assert SECRET not in printed


def test_name(tmp_path: Path) -> None:
    """A name is a file's name as well."""
    assert "letters, digits" in "".join(problems(tmp_path, '[hooks."../x"]\non = ["run"]\ncommand = "x"\n'))


@pytest.mark.parametrize("key", ["../x", "/x", "simple/x", "a//b", "packages", "last-modified", "a/../b", ".hidden"])
def test_freshness_file(tmp_path: Path, key: str) -> None:
    """The freshness file lies below web/, and where nothing of the index is."""
    assert "publish.freshness-file" in "".join(problems(tmp_path, f'[publish]\nfreshness-file = "{key}"\n'))


def test_loopback(tmp_path: Path) -> None:
    """Plain http is fine on this machine, and where the operator allows it."""
    table = '[hooks.a]\non = ["run"]\nurl = "http://{}/x"\n'
    assert loaded(tmp_path, table.format("127.0.0.1:9000")).config.hooks
    assert loaded(tmp_path, "[upstream]\nallow-http = true\n" + table.format("h.example.org")).config.hooks

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bandersnatch.config import show
from bandersnatch.config.option import Option
from bandersnatch.config.options import OPTIONS
from tests.config.helpers import SECRET, loaded, problems

TEXTS = {
    "password": f"[upstream]\nusername = 'u'\npassword = '{SECRET}'",
    "token": f"[upstream]\ntoken = '{SECRET}'",
    "proxy": f"[upstream]\nproxy = 'http://u:{SECRET}@p:1'",
}

BAD = {
    "password": f"[upstream]\nusername = 'u'\npassword = ['{SECRET}']",
    "number": "[upstream]\nusername = 'u'\npassword = 2222222",
    "password alone": f"[upstream]\npassword = '{SECRET}'",
    "control character": f'[upstream]\ntoken = "{SECRET}\\n"',
    "two": f"[upstream]\ntoken = '{SECRET}'\ntoken-file = '/x'",
    "proxy's scheme": f"[upstream]\nproxy = 'ftp://u:{SECRET}@p'",
    "proxy's port": f"[upstream]\nproxy = 'http://u:{SECRET}/x@p'",
    "proxy's brackets": f"[upstream]\nproxy = 'http://[{SECRET}]@p'",
    "userinfo": f"[mirror]\nupstream = 'https://u:{SECRET}@index.example.org/'",
    "userinfo, plain": f"[mirror]\nupstream = 'http://u:{SECRET}@index.example.org/'",
    "userinfo, odd": f"[mirror]\nupstream = 'https://u@x:{SECRET}/@index.example.org/'",
    "userinfo, long": f"[mirror]\nupstream = 'https://{'u' * 40}:{SECRET}@index.example.org/'",
    "userinfo of a mirror": f"[upstream]\ndownload-mirrors = ['https://u:{SECRET}@m.example.org/']",
    "misspelt": f"[upstream]\npasword = '{SECRET}'",
    "no TOML": f"[upstream]\npassword = {SECRET}",
    "cut off": f"[upstream]\npassword = '{SECRET}\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_no_secret_is_shown(tmp_path: Path, text: str) -> None:
    """A secret that is set is *** wherever values are shown, and in no repr; the program has it all the same."""
    got = loaded(tmp_path, text)
    upstream = got.config.upstream
    assert SECRET in f"{upstream.password} {upstream.token} {upstream.proxy}"
    shown = [repr(got), repr(got.config), repr(upstream), show.as_toml(got), json.dumps(show.as_data(got))]
    assert SECRET not in "".join(shown)
    assert '"***"' in show.as_toml(got)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_no_problem_quotes_a_secret(tmp_path: Path, text: str) -> None:
    """Messages go to logs and mails: none has a secret, whatever is wrong with it."""
    printed = "".join(problems(tmp_path, text))
    assert SECRET not in printed
    assert "2222222" not in printed


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.secret], ids=lambda option: option.key)
def test_no_problem_quotes_a_secret_of_the_environment(tmp_path: Path, option: Option) -> None:
    """The same for variables."""
    assert SECRET not in "".join(problems(tmp_path, "", {option.variable: f"\n{SECRET}"}))


def test_a_secret_that_is_not_set_is_shown_as_such(tmp_path: Path) -> None:
    """An operator can see whether there is a secret."""
    assert 'token = "" ' in show.as_toml(loaded(tmp_path, ""))

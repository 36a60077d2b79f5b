from __future__ import annotations

import json
from pathlib import Path

import pytest

from bandersnatch.config import show
from bandersnatch.config.option import Option
from bandersnatch.config.options import OPTIONS
from bandersnatch.upstream import address
from tests.config.helpers import SECRET, loaded, problems

TEXTS = {
    "password": f"[upstream]\nusername = 'u'\npassword = '{SECRET}'",
    "token": f"[upstream]\ntoken = '{SECRET}'",
    "proxy": f"[upstream]\nproxy = 'http://u:{SECRET}@p:1'",
}

PATHS = {
    "upstream": f"[mirror]\nupstream = 'https://index.example.org/{SECRET}/simple/'",
    "upstream, mistyped": f"[mirror]\nupstream = 'https://u:1/{SECRET}@index.example.org/simple/'",
    "changelog": f"[upstream]\nchangelog-url = 'https://index.example.org/{SECRET}/pypi'",
    "mirrors": f"[upstream]\ndownload-mirrors = ['https://m.example.org/{SECRET}/']",
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
    "userinfo, one slash": f"[mirror]\nupstream = 'https:/u:{SECRET}@index.example.org/'",
    "userinfo, no slash": f"[mirror]\nupstream = 'https:u:{SECRET}@index.example.org/'",
    "userinfo, no colon": f"[mirror]\nupstream = 'https//u:{SECRET}@index.example.org/'",
    "userinfo, no scheme": f"[mirror]\nupstream = 'u:{SECRET}@index.example.org/'",
    "userinfo, token alone": f"[mirror]\nupstream = 'https:/{SECRET}@index.example.org/'",
    "userinfo, token alone, no scheme": f"[mirror]\nupstream = '{SECRET}@index.example.org/'",
    "userinfo of a changelog": f"[upstream]\nchangelog-url = 'htps://u:{SECRET}@index.example.org/'",
    "userinfo of a file host": f"[upstream]\nfile-hosts = ['u:{SECRET}@index.example.org']",
    "userinfo of a page host": f"[upstream]\npage-hosts = ['{SECRET}@index.example.org']",
    "path, plain": f"[mirror]\nupstream = 'http://index.example.org/{SECRET}/simple/'",
    "path, scheme": f"[mirror]\nupstream = 'htps://index.example.org/{SECRET}/simple/'",
    "path, port": f"[mirror]\nupstream = 'https://index.example.org:99999/{SECRET}/simple/'",
    "path, one slash": f"[mirror]\nupstream = 'https:/index.example.org/{SECRET}/simple/'",
    "path, no colon": f"[mirror]\nupstream = 'https//index.example.org/{SECRET}/simple/'",
    "path, no scheme": f"[mirror]\nupstream = 'index.example.org/{SECRET}/simple/'",
    "path, userinfo": f"[mirror]\nupstream = 'https://u:p@index.example.org/{SECRET}/simple/'",
    "path, query": f"[mirror]\nupstream = 'https://index.example.org/{SECRET}/simple/?x'",
    "path, file host": f"[upstream]\nfile-hosts = ['https://h.example/{SECRET}/']",
    "path, twice": f"[upstream]\ndownload-mirrors = ['https://m.example.org/{SECRET}', 'https://m.example.org/{SECRET}']",
    "query": f"[mirror]\nupstream = 'https://index.example.org/?{SECRET}'",
    "userinfo of a mirror": f"[upstream]\ndownload-mirrors = ['https://u:{SECRET}@m.example.org/']",
    "misspelt": f"[upstream]\npasword = '{SECRET}'",
    "no TOML": f"[upstream]\npassword = {SECRET}",
    "cut off": f"[upstream]\npassword = '{SECRET}\n",
}


@pytest.fixture(autouse=True)
def _nothing_is_concealed_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "_concealed", set())


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_no_secret_is_shown(tmp_path: Path, text: str) -> None:
    """A secret that is set is *** wherever values are shown, and in no repr; the program has it all the same."""
    got = loaded(tmp_path, text)
    upstream = got.config.upstream
    assert SECRET in f"{upstream.password} {upstream.token} {upstream.proxy}"
    shown = [repr(got), repr(got.config), repr(upstream), show.as_toml(got), json.dumps(show.as_data(got))]
    assert SECRET not in "".join(shown)
    assert '"***"' in show.as_toml(got)


@pytest.mark.parametrize("text", PATHS.values(), ids=PATHS)
def test_no_secret_in_a_path_is_shown(tmp_path: Path, text: str) -> None:
    """Some indexes take a token as a part of their address; what is mistyped can look so."""
    got = loaded(tmp_path, text)
    for shown in (show.as_toml(got), json.dumps(show.as_data(got))):
        assert SECRET not in shown
        assert "***" in shown


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

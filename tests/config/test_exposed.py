"""What ``config check`` says of files with a secret that everybody may read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bandersnatch.cli.main import run

START = '[mirror]\nupstream = "https://index.example/"\n[select]\nprojects = ["six"]\n'


HOOK = '[hooks.one]\non = ["run"]\nurl = "https://h.example/"\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)
    return tmp_path


def check(home: Path, text: str) -> int:
    path = home / "b.conf"
    if not path.exists():
        path.touch(0o644)
    path.write_text(START + text)
    return run(["-c", str(path), "config", "check"])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[upstream]\nusername = "me"\npassword = "hunter2"\n', "upstream.password"),
        ('[upstream]\ntoken = "hunter2"\n', "upstream.token"),
        ('[upstream]\nproxy = "http://me:hunter2@proxy.example:3128"\n', "upstream.proxy"),
        ('[hooks.one]\non = ["run"]\nurl = "https://h.example/"\nheaders = { X-Token = "hunter2" }\n', "hooks.one"),
        ('[hooks.one]\non = ["run"]\nurl = "https://h.example/services/T0123456789hunter2"\n', "hooks.one"),
    ],
)
def test_configuration(text: str, what: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A secret in a file that everybody may read is named with its key and the remedy, and never shown."""
    assert check(home, text) == 2
    told = capsys.readouterr().out
    path = home / "b.conf"
    assert told == (
        f"{path}: everybody on this machine may read it, and it holds {what}: chmod o-r {path}, and see that the user "
        "who runs the mirror may read it\n"
    )
    path.chmod(0o640)
    assert check(home, text) == 0


@pytest.mark.parametrize(
    ("name", "content", "text", "what"),
    [
        ("token", "hunter2\n", '[upstream]\ntoken-file = "{home}/token"\n', "the token for upstream"),
        (
            "token", "hunter2\n", HOOK + 'token-file = "{home}/token"\n', "the token of hooks.one",
        ),
        (".netrc", "machine index.example login me password hunter2\n", "", "the password for upstream"),
        (
            "pem", "-----BEGIN EC PRIVATE KEY-----\nhunter2\n", '[upstream]\nclient-certificate = "{home}/pem"\n',
            "a private key",
        ),
    ],
)  # fmt: skip
def test_named_files(
    name: str, content: str, text: str, what: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The files that hold a secret for the configuration are looked at in the same way."""
    path = home / name
    path.touch(0o644)
    path.write_text(content)
    assert check(home, text.format(home=home)) == 2
    told = capsys.readouterr().out
    assert f"{path}: everybody on this machine may read it, and it holds {what}" in told
    assert "hunter2" not in told.replace(str(home), "")
    path.chmod(0o600)
    assert check(home, text.format(home=home)) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[upstream]\nproxy = "http://proxy.example:3128"\n',
        '[hooks.one]\non = ["run"]\nurl = "https://h.example/mirror"\n',
    ],
)
def test_no_secret(text: str, home: Path) -> None:
    """A file without a secret may be read by everybody; so may one whose secret comes from the environment."""
    assert check(home, text) == 0


def test_from_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that comes from the environment is in no file."""
    monkeypatch.setenv("BANDERSNATCH_UPSTREAM_TOKEN", "hunter2")
    assert check(home, "") == 0

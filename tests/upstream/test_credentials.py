from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from bandersnatch.errors import UsageError
from bandersnatch.upstream.credentials import Credentials, find

URL = "https://example.org/simple/"


def test_token_file_before_netrc(tmp_path: Path) -> None:
    """netrc is looked at only where the operator named no file, and only for the upstream's own host."""
    token = tmp_path / "token"
    token.write_text("from-file\n")
    (tmp_path / ".netrc").write_text("machine example.org login me password from-netrc\n")
    home = {"HOME": str(tmp_path)}
    assert find(URL, home, token_file=token) == Credentials("from-file")
    assert find(URL, home) == Credentials("from-netrc", "me")
    assert find("https://other.example/simple/", home) is None


def test_netrc_where_the_variable_says(tmp_path: Path) -> None:
    """``$NETRC`` names another file; a missing one is no error."""
    other = tmp_path / "other"
    other.write_text("default login me password secret\n")
    assert find(URL, {"NETRC": str(other)}) == Credentials("secret", "me")
    assert find(URL, {"NETRC": str(tmp_path / "missing")}) is None


@pytest.mark.parametrize("content", ["machine example.org login me hunter2", "\udcff hunter2"])
def test_a_malformed_netrc_is_not_quoted(tmp_path: Path, content: str) -> None:
    """The error names the file, and neither it nor its traceback shows what is in it."""
    path = tmp_path / "netrc"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(UsageError) as caught:
        find(URL, {"NETRC": str(path)})
    shown = "".join(traceback.format_exception(caught.value))
    assert str(path) in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize("content", ["", "  \n", "two words", "hunter2\nhunter3"])
def test_a_token_file_holds_one_token(tmp_path: Path, content: str) -> None:
    """Anything else is refused, unquoted."""
    path = tmp_path / "token"
    path.write_text(content)
    with pytest.raises(UsageError, match="one token") as caught:
        find(URL, {}, token_file=path)
    assert "hunter" not in str(caught.value)


def test_a_token_file_must_be_there(tmp_path: Path) -> None:
    """A file that the operator named and that cannot be read is an error."""
    with pytest.raises(UsageError, match="No such file"):
        find(URL, {}, token_file=tmp_path / "missing")


def test_the_header_is_as_the_standards_have_it() -> None:
    """Basic is base64 of user and password in UTF-8 (RFC 7617); a token is Bearer (RFC 6750)."""
    assert Credentials("open sesame", "Aladdin").authorization == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert Credentials("abc").authorization == "Bearer abc"


@pytest.mark.parametrize("token", ["hunter2\r\nX-Evil: 1", "hunter2 hunter3", "hünter2", ""])
def test_a_token_that_cannot_be_sent_is_refused(token: str) -> None:
    """What is no header value is the operator's problem, and not repeated."""
    with pytest.raises(UsageError, match=r"\[upstream\] token") as caught:
        Credentials(token)
    assert "nter2" not in str(caught.value)


def test_nothing_shows_the_secret() -> None:
    """repr and str show neither secret nor user."""
    assert repr(Credentials("hunter2", "me")) == str(Credentials("hunter2", "me")) == "Credentials(***)"

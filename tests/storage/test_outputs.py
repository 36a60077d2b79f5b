"""Files that an operator named for us to write take the place of nothing but an older one of their kind."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bandersnatch.errors import UsageError
from bandersnatch.storage import outputs

KIND = outputs.Kind("list of ours", lambda begin: begin.startswith(b"ours"))


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link_to_one_of_ours(path: Path) -> None:
    path.with_name("target").write_bytes(b"ours, behind a link")
    path.symlink_to("target")


def _link_to_nothing(path: Path) -> None:
    path.symlink_to("nothing")


def _folder(path: Path) -> None:
    path.mkdir()


def _socket(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(path))


def _letter(path: Path) -> None:
    path.write_bytes(b"Dear reader")


def look(path: Path) -> tuple[int, object]:
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        return stat.S_IFMT(mode), os.readlink(path)
    return stat.S_IFMT(mode), path.read_bytes() if stat.S_ISREG(mode) else None


@pytest.mark.parametrize("make", [_pipe, _link_to_one_of_ours, _link_to_nothing, _folder, _socket, _letter])
def test_something_else(make: Callable[[Path], None], tmp_path: Path) -> None:
    """What is no regular file of the kind is neither replaced nor written to nor waited for, and nothing is left."""
    path = tmp_path / "out"
    make(path)
    before, names = look(path), sorted(os.listdir(tmp_path))
    words = "out is .* and is no list of ours: it was left as it is; choose another name"
    with pytest.raises(UsageError, match=words), outputs.replacing(path, KIND, str(tmp_path / "mirror")):
        pytest.fail("begun")
    with pytest.raises((UsageError, OSError)):
        os.close(outputs.appending(str(path), KIND, str(tmp_path / "mirror")))
    assert (look(path), sorted(os.listdir(tmp_path))) == (before, names)


@pytest.mark.parametrize("before", [None, b"", b"ours, older"])
def test_replaced(before: bytes | None, tmp_path: Path) -> None:
    """Nothing, an empty file and an older one of the kind are replaced, whole, and no name beside it is used."""
    path, neighbour = tmp_path / "out", tmp_path / "out.new"
    neighbour.write_bytes(b"the operator's")
    if before is not None:
        path.write_bytes(before)
    with outputs.replacing(path, KIND, str(tmp_path / "mirror")) as new:
        new.write_bytes(b"ours, new")
        assert not path.exists() or path.read_bytes() == before
    assert {name.name: name.read_bytes() for name in tmp_path.iterdir()} == {
        "out": b"ours, new", "out.new": b"the operator's",
    }  # fmt: skip


def test_became_something_else(tmp_path: Path) -> None:
    """What took the name while the file was made is looked at before it would be replaced."""
    path = tmp_path / "out"
    with pytest.raises(UsageError), outputs.replacing(path, KIND, str(tmp_path / "mirror")) as new:
        new.write_bytes(b"ours")
        _letter(path)
    assert path.read_bytes() == b"Dear reader"
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize(
    "name",
    ["state/new", "web/simple/demo/index.html", "web/packages/x", "web/last-modified", "web", "web/new.db", "web/a/b"],
)
def test_the_mirrors_own(name: str, tmp_path: Path) -> None:
    """Nothing is made among what the mirror lives from or publishes, also by way of a link to a folder of it."""
    mirror = tmp_path / "mirror"
    (mirror / name).parent.mkdir(parents=True)
    (tmp_path / "way").symlink_to((mirror / name).parent)
    for path in (mirror / name, tmp_path / "way" / Path(name).name):
        with pytest.raises(UsageError, match="the mirror (has its own files|publishes)"):
            outputs.check(path, KIND, str(mirror))
    outputs.check(mirror / "new-files", KIND, str(mirror))


@pytest.mark.parametrize("name", ["web/fresh.json", "web/a/fresh.json"])
def test_made_to_be_served(name: str, tmp_path: Path) -> None:
    """Below the web server's root there is only what is made to be served, and the message says who would read it."""
    path = tmp_path / "mirror" / name
    outputs.check(path, outputs.Kind("freshness file", lambda _: True, is_public=True), str(tmp_path / "mirror"))
    with pytest.raises(UsageError, match=f"{path} is where .* every client could read it.*outside "):
        outputs.check(path, KIND, str(tmp_path / "mirror"))


def test_another_mirrors_state(tmp_path: Path) -> None:
    """Nothing is made in the state of another mirror, of whatever kind its files are."""
    for name in ("lock", "catalogue.sqlite"):
        (tmp_path / name).write_bytes(b"ours")
    with pytest.raises(UsageError, match="another mirror"):
        outputs.check(tmp_path / "catalogue.sqlite", KIND, str(tmp_path / "mirror"))

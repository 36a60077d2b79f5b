from __future__ import annotations

from pathlib import Path

import pytest

from bandersnatch.errors import StorageError
from bandersnatch.storage.bookmark import Bookmark
from tests.storage.watched import Quick


def test_bookmark(tmp_path: Path) -> None:
    """What was written last is read, by the same mode only; cleared, it is gone, and nothing else is left."""
    path = tmp_path / "place.json"
    bookmark = Bookmark(path, "hash", fs=Quick())
    assert bookmark.read() == ""
    bookmark.write("alpha")
    bookmark.write("beta")
    assert Bookmark(path, "hash").read() == "beta"
    assert Bookmark(path, "pages").read() == ""
    assert list(tmp_path.iterdir()) == [path]
    bookmark.clear()
    bookmark.clear()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"mode": "hash"}'])
def test_unreadable(tmp_path: Path, text: str) -> None:
    """A file that is none of ours means to begin at the beginning."""
    (tmp_path / "place.json").write_text(text)
    assert Bookmark(tmp_path / "place.json", "hash").read() == ""


def test_no_folder(tmp_path: Path) -> None:
    """Where nothing can be kept, that is said."""
    with pytest.raises(StorageError, match="place.json"):
        Bookmark(tmp_path / "absent/place.json", "").write("alpha")

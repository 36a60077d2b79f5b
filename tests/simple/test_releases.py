"""Which release a file is of, and the order of releases."""

from __future__ import annotations

import pytest

from bandersnatch.simple import releases
from tests.simple.cases import held


@pytest.mark.parametrize(
    ("filename", "version"),
    [
        ("foo-1.0.tar.gz", "1.0"),
        ("foo-1.0-1.tar.gz", "1.0-1"),
        ("foo-1.0+linux.tar.gz", "1.0+linux"),
        ("foo-2004d.zip", "2004d"),
        ("foo-1.0_1.tar.gz", "1.0_1"),
        ("foo-1.2.win32-py2.7.exe", "1.2"),
        ("foo-1.2.dev5.win-amd64.msi", "1.2.dev5"),
        ("foo-1.2.linux-x86_64.tar.gz", "1.2"),
        ("foo-1.2-1.x86_64.rpm", "1.2"),
        ("foo-linux-1.zip", "linux-1"),
        ("bar-1.0.zip", None),
    ],
)
def test_version_of(filename: str, version: str | None) -> None:
    """The version stands behind the project's name, without what the old built formats append to it."""
    assert releases.version_of(filename, "foo") == version


def test_order() -> None:
    """Files stand by version, then by name; what PEP 440 does not know comes first."""
    names = ["bar-1.zip", "foo-2004d.zip", "foo-1.9.tar.gz", "foo-1.9.zip", "foo-1.10rc1.zip", "foo-1.10.zip"]
    ordered = releases.order("foo", map(held, sorted(names)))
    assert [one.file.filename for one in ordered] == names

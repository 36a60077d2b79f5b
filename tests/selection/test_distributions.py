"""What file names say."""

from __future__ import annotations

import pytest

from bandersnatch.selection.distributions import TYPES, release_of, type_of


@pytest.mark.parametrize(
    ("filename", "release", "readable", "type_"),
    [
        ("demo-1.0-py3-none-any.whl", "1.0", True, "wheel"),
        ("demo-1.0.tar.gz", "1.0", True, "sdist"),
        ("Demo-1.0.ZIP", "", False, "other"),
        ("demo-1.0.tar.Z", "1.0", True, "sdist"),
        ("demo-2004d.tgz", "2004d", False, "sdist"),
        ("demo-1.0-py2.7.egg", "1.0", True, "egg"),
        ("demo-1.0.win-amd64-py2.7.exe", "1.0", True, "wininst"),
        ("demo-1.0.win32.msi", "1.0", True, "msi"),
        ("demo-1.0-1.noarch.rpm", "1.0", True, "rpm"),
        ("demo-1.0.dmg", "1.0", True, "dmg"),
        ("demo-1.0.deb", "1.0", True, "deb"),
        ("demo-1.0.linux-x86_64.tar.gz", "1.0", True, "dumb"),
        ("demo-1.0.macosx-10.9-x86_64.zip", "1.0", True, "dumb"),
        ("else-1.0.tar.gz", "", False, "sdist"),
        ("demo-1.0.pybundle", "", False, "other"),
        ("demo-1.0-variants.json", "1.0", True, "other"),
    ],
)
def test_file_names(filename: str, release: str, readable: bool, type_: str) -> None:
    """Type and release are told from the name, without what old formats put behind the version."""
    found, version = release_of(filename, "demo")
    assert (found, version is not None) == (release, readable)
    assert type_of(filename, "demo") == type_
    assert type_ in TYPES

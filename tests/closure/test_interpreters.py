from __future__ import annotations

import pytest

from bandersnatch.closure.interpreters import interpreters
from bandersnatch.errors import UsageError
from bandersnatch.selection import environments


def test_every_python_on_every_platform() -> None:
    """An environment is taken apart, each part with its own target, markers and wheels."""
    table = {"python": ["3.11", "3.12"], "platforms": ["manylinux_2_28_x86_64", "win_amd64"]}
    found = interpreters([environments.read("e", table)])
    assert [(one.environment, one.target.python, one.target.platform, one.python) for one in found] == [
        ("e", "3.11", "x86_64-manylinux_2_28", "3.11.0"),
        ("e", "3.11", "x86_64-pc-windows-msvc", "3.11.0"),
        ("e", "3.12", "x86_64-manylinux_2_28", "3.12.0"),
        ("e", "3.12", "x86_64-pc-windows-msvc", "3.12.0"),
    ]
    assert [one.markers["sys_platform"] for one in found] == ["linux", "win32"] * 2
    wheel = "a-1-cp312-cp312-win_amd64.whl"
    assert [one.suits(wheel) for one in found] == [False, False, False, True]
    assert all(one.suits("a-1-py3-none-any.whl") and not one.suits("a-1.tar.gz") for one in found)


def test_what_cannot_be_resolved_for() -> None:
    """Environments that the resolver does not know are refused together."""
    tables = [
        environments.read("p", {"implementation": "pypy", "python": ["3.11"], "platforms": ["win_amd64"]}),
        environments.read("t", {"python": ["3.13t"], "platforms": ["win_amd64"]}),
    ]
    with pytest.raises(UsageError) as error:
        interpreters(tables)
    assert len(error.value.problems) == 2

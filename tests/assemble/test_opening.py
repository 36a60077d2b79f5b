"""A mirror that cannot be opened whole leaves nothing of it open."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from bandersnatch import assemble
from bandersnatch.assemble.selection import choose
from bandersnatch.errors import UsageError
from tests.sync.conftest import World, world

__all__ = ["world"]


@pytest.mark.parametrize("way", ["mirror", "rehearsal"])
def test_late_usage_error(world: World, tmp_path: Path, way: str) -> None:
    """A setting that turns out to be of no use when all else is open, such as a certificate, leaves no file open."""
    world.index.upload("alpha", "1.0")
    world.run()
    no_certificate = tmp_path / "ca.pem"
    no_certificate.write_text("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
    config = world.config(upstream__ca_file=str(no_certificate), mirror__diff_file=str(tmp_path / "diff"))
    chosen = choose(config).selection

    async def attempt() -> None:
        opening = assemble.mirror(config, {}, world.now) if way == "mirror" else assemble.rehearsal(config, {}, chosen)
        async with opening:
            pytest.fail("it was opened")

    with pytest.raises(UsageError, match="ca"):
        asyncio.run(attempt())
    assert opened() == []


def opened() -> list[str]:
    """What this process has open of any mirror."""
    found = []
    for fd in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the folder itself
            found.append(fd.readlink())
    return [str(path) for path in found if path.name.startswith(("catalogue", "changes"))]

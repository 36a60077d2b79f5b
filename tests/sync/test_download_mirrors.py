"""Download mirrors are a short cut: what they lack, cut off or falsify comes from upstream itself, in the same run."""

from __future__ import annotations

import pytest

from bandersnatch.testing import Corrupt, Cut, Fault, Status, UpstreamServer
from tests.sync.conftest import World


@pytest.mark.parametrize("fault", [None, Status(404), Status(503), Corrupt(), Cut(0), Cut(100)], ids=repr)
def test_short_cut(world: World, fault: Fault | None) -> None:
    """The mirror is asked first, and whatever is wrong there, the file arrives whole."""
    world.index.upload("alpha", "1.0")
    with UpstreamServer(world.index) as shortcut:
        if fault is not None:
            shortcut.fault("/packages/*", fault, times=None)
        finished = world.run(upstream__download_mirrors=[shortcut.url])
        assert shortcut.count("/packages/*") >= 1
    assert (finished.outcome, finished.files) == ("clean", 1)
    assert world.upstream.count("/packages/*") == (0 if fault is None else 1)
    world.check()

"""Who checks the checker: planted damages that it must find, and good mirrors about which it must be silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from bandersnatch.testing import UpstreamServer
from tests.faults.counting import Count
from tests.verify.test_damage import DAMAGES, MODES, good_mirror, try_damage
from tests.verify.test_good import try_good_mirrors

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("part", range(4))
def test_good_mirrors(part: int, count: Count) -> None:
    """A thousand mirrors with random histories, verified in every mode: nothing is found."""
    with UpstreamServer() as upstream:
        try_good_mirrors(upstream, 250)
    count("checker: good mirrors", 250)


def test_damages(tmp_path: Path, count: Count) -> None:
    """Each damage is found as what it is, in each mode that can see it."""
    with good_mirror(tmp_path) as good:
        for number, name in enumerate(DAMAGES):
            folder = tmp_path / str(number)
            folder.mkdir()
            try_damage(name, good, folder)
            count("checker: planted damages", len(MODES))

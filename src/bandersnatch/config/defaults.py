"""The two places that are built in: the index that is mirrored and the file that says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PYPI: Final = "https://pypi.org/simple/"
"""The default upstream. No other module spells it."""

FILE: Final = Path("/etc/bandersnatch.conf")
"""The configuration file where neither the command line nor the environment names one."""

FORMER_PYPI_HOST: Final = "pypi.python.org"
"""The host of the same index up to 2018, which configurations of that time name."""

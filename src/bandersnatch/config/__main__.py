"""Print the reference page of the configuration: ``python -m bandersnatch.config``."""

from __future__ import annotations

import sys

from bandersnatch.config import reference

sys.stdout.write(reference.render())

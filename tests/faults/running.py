"""One run of the golden scenario in a process of its own: ``python -m tests.faults.running DIRECTORY NOW LATER``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.faults.golden import Mirror, upstream


def main(directory: str, now: str, later: str) -> None:
    upstream(later=bool(int(later)))  # made before the run is said to begin
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    Mirror(Path(directory)).run(float(now), later=bool(int(later)))


if __name__ == "__main__":
    main(*sys.argv[1:])

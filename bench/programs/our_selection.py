"""Ask the product's selection about every name: ``our_selection.py NAMES ALLOWED EXCLUDED COUNT``, files with lines.

Prints the seconds for making the selection, those for asking about COUNT names, and how many are wanted, as JSON. An
empty file of allowed names stands for everything.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bandersnatch.selection import Items, Origin, Selection


def main() -> None:
    """See the module."""
    names, allowed, excluded = (Path(path).read_text().splitlines() for path in sys.argv[1:4])
    names = names[: int(sys.argv[4])]
    began = time.perf_counter()
    selection = Selection(
        everything=not allowed,
        items=Items.read(Origin("select.projects", text) for text in allowed),
        exclusions=Items.read(Origin("exclude.projects", text) for text in excluded),
    )
    selection.wants(names[0])  # what is worked out at the first question belongs to the making
    made = time.perf_counter()
    wanted = sum(map(selection.wants, names))
    asked = time.perf_counter()
    print(json.dumps({"make": made - began, "ask": asked - made, "wanted": wanted}))


if __name__ == "__main__":
    main()

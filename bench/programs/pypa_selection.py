"""Ask PyPA bandersnatch's plugins about every name: ``pypa_selection.py CONFIGURATION NAMES COUNT``.

Runs in PyPA bandersnatch's own environment, with its own plugins as its configuration loads them, and asks them as
its ``Mirror._filter_packages`` does: name by name, plugin by plugin, until one says no. Prints what
``our_selection.py`` prints.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path


def main() -> None:
    """See the module."""
    # By name, since a program of that name is also what this file stands beside.
    configuration = importlib.import_module("bandersnatch.configuration")
    filters = importlib.import_module("bandersnatch.filter")
    names = Path(sys.argv[2]).read_text().splitlines()[: int(sys.argv[3])]
    began = time.perf_counter()
    configuration.BandersnatchConfig(Path(sys.argv[1]))
    plugins = filters.LoadedFilters(load_all=True).filter_project_plugins()
    made = time.perf_counter()
    wanted = sum(all(plugin.filter({"info": {"name": name}}) for plugin in plugins) for name in names)
    asked = time.perf_counter()
    print(json.dumps({"make": made - began, "ask": asked - made, "wanted": wanted}))


if __name__ == "__main__":
    main()

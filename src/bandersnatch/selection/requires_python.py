"""What ``requires-python`` (PEP 503, core metadata) admits."""

from __future__ import annotations

import re
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet

_PATCH = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@lru_cache(maxsize=1 << 16)
def admits(requires_python: str | None, python: str) -> bool:
    """
    Whether *python*, such as ``3.11`` or ``3.11.4``, may use a file that states *requires_python*.

    ``3.11`` stands for all its patch releases: one that is admitted suffices, since a mirror does not know which its
    clients have. A value that is no specifier admits everything, as in pip.
    """
    try:
        specifiers = SpecifierSet(requires_python or "")
    except InvalidSpecifier:
        return True
    release = tuple(map(int, python.split(".")))
    if len(release) > 2:
        return specifiers.contains(python, prereleases=True)
    return any(specifiers.contains(f"{python}.{patch}", prereleases=True) for patch in _patches(specifiers, release))


def _patches(specifiers: SpecifierSet, release: tuple[int, ...]) -> list[int]:
    """Where every range of patch releases begins that *specifiers* could leave: to try these is to try all."""
    patches = {0}
    for one in specifiers:
        found = _PATCH.match(one.version)
        if found and (int(found[1]), int(found[2])) == release:
            patches |= {int(found[3]), int(found[3]) + 1}
    return sorted(patches)

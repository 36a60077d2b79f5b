"""Target environments: the Pythons and machines that a mirror serves, as ``[environments.NAME]`` tables name them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from packaging.tags import Tag, compatible_tags, cpython_tags, generic_tags

from bandersnatch.errors import Problem, UsageError
from bandersnatch.selection import platforms as machines
from bandersnatch.selection import uv_targets
from bandersnatch.selection.uv_targets import UvTarget
from bandersnatch.values import Struct

IMPLEMENTATIONS: Mapping[str, str] = {"cpython": "CPython", "pypy": "PyPy"}
"""By ``implementation_name``, the ``platform_python_implementation`` of PEP 508."""

_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_PYTHON = re.compile(r"(?:2\.7|3\.\d{1,2}(?:\.\d{1,2})?t?)\Z")
_PYPY_ABI = "pp73"  # of every PyPy 7.3.x, which has been every release since 2019


class Environment(Struct, frozen=True):
    """Every combination of one implementation's *pythons* with *platforms*. Made by ``read``, which checks them."""

    name: str
    implementation: str
    """``cpython`` or ``pypy``."""
    pythons: tuple[str, ...]
    """``3.11``, which stands for all its patch releases; ``3.11.4``; ``3.13t`` is the free-threaded build."""
    platforms: tuple[str, ...]
    """Canonical spellings: see ``platforms``."""

    @property
    def table(self) -> dict[str, object]:
        """The table of the configuration: ``read`` makes the same environment of it."""
        return {
            "implementation": self.implementation,
            "python": list(self.pythons),
            "platforms": list(self.platforms),
        }

    def tags(self, python: str) -> frozenset[str]:
        """Every tag (PEP 425) that *python*, one of ``pythons``, accepts on any of the platforms: ``py3-none-any``."""
        accepted = [tag for platform in self._machines() for tag in platform.tags()]
        return frozenset(map(str, _tags(self.implementation, python, accepted)))

    def marker_environments(self) -> tuple[dict[str, str], ...]:
        """
        What PEP 508 markers are evaluated against, for each Python on each platform.

        A Python without a patch release is ``X.Y.0`` there, as it is for uv.
        """
        return tuple(
            {**platform.markers(), **_python_markers(self.implementation, python)}
            for python in self.pythons
            for platform in self._machines()
        )

    def uv_targets(self) -> tuple[UvTarget, ...]:
        """What to ask uv for, so that the whole environment is resolved. Raises UsageError for what uv cannot do."""
        if self.implementation != "cpython":
            message = f"uv resolves for CPython only, not for {IMPLEMENTATIONS[self.implementation]}"
            raise UsageError(Problem(message, key=f"environments.{self.name}.implementation"))
        targets: dict[UvTarget, None] = {}
        problems: dict[str, None] = {}
        for python in self.pythons:
            for platform in self._machines():
                try:
                    targets[uv_targets.target(python, platform)] = None
                except ValueError as error:
                    problems[str(error)] = None
        if problems:
            raise UsageError(*(Problem(message, key=f"environments.{self.name}") for message in problems))
        return tuple(targets)

    def _machines(self) -> Iterator[machines.Platform]:
        return map(machines.parse, self.platforms)


def version_of(python: str) -> str:
    """The version of a Python of an environment, without the mark of a free-threaded build."""
    return python.removesuffix("t")


def read(name: str, table: Mapping[str, object]) -> Environment:
    """
    The environment that *table*, ``[environments.NAME]``, describes.

    Raises UsageError with all problems; their keys begin with ``environments.NAME``.
    """
    prefix = f"environments.{name}"
    problems = []
    if not _NAME.match(name):
        problems.append(Problem("a name has letters, digits, dashes and underscores only", key=prefix))
    implementation = table.get("implementation", "cpython")
    if not isinstance(implementation, str) or implementation not in IMPLEMENTATIONS:
        message = f"{implementation!r} is not known: write {' or '.join(IMPLEMENTATIONS)}"
        problems.append(Problem(message, key=f"{prefix}.implementation"))
    pythons, wrong = _list(table, "python", lambda text: _python(text, implementation))
    problems += [Problem(message, key=f"{prefix}.python") for message in wrong]
    platforms, wrong = _list(table, "platforms", lambda text: machines.parse(text).tag)
    problems += [Problem(message, key=f"{prefix}.platforms") for message in wrong]
    problems += [
        Problem("is not known; there are implementation, python and platforms", key=f"{prefix}.{key}")
        for key in table
        if key not in {"implementation", "python", "platforms"}
    ]
    if problems:
        raise UsageError(*problems)
    return Environment(name, str(implementation), pythons, platforms)


def _list(table: Mapping[str, object], key: str, check: Callable[[str], str]) -> tuple[tuple[str, ...], list[str]]:
    """The items of *key*, each once and as *check* spells it, and what is wrong with them."""
    value = table.get(key)
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not items:
        return (), ["is needed: a list with at least one item"]
    good: dict[str, None] = {}
    wrong = []
    for item in items:
        if not isinstance(item, str):
            # 3.10 without quotes is the number 3.1: what was meant cannot be told.
            wrong.append(f"{item!r} is not text: write it in quotes")
            continue
        try:
            good[check(item)] = None
        except ValueError as error:
            wrong.append(str(error))
    return tuple(good), wrong


def _python(text: str, implementation: object) -> str:
    python = text.strip().lower()
    if not _PYTHON.match(python):
        raise ValueError(f"{text!r} is not a Python: write 3.12, 3.12.4 or, for the free-threaded build, 3.13t")
    if python.endswith("t") and (implementation != "cpython" or _release(python) < (3, 13)):
        raise ValueError(f"{text!r}: free-threaded builds are CPython's, from 3.13t on")
    return python


def _release(python: str) -> tuple[int, int]:
    major, minor = version_of(python).split(".")[:2]
    return int(major), int(minor)


def _tags(implementation: str, python: str, accepted: list[str]) -> Iterator[Tag]:
    release = _release(python)
    nodot = f"{release[0]}{release[1]}"
    if implementation == "pypy":
        # PyPy 2.7 numbers its ABI in a way of its own.
        abi = "pypy_73" if release == (2, 7) else f"pypy{nodot}_{_PYPY_ABI}"
        yield from generic_tags(f"pp{nodot}", [abi], accepted)
        yield from compatible_tags(release, f"pp{release[0]}", accepted)
        return
    yield from cpython_tags(release, _cpython_abis(python), accepted)
    yield from compatible_tags(release, f"cp{nodot}", accepted)


def _cpython_abis(python: str) -> list[str]:
    """The ABIs of the usual builds; which a machine has of old Pythons' two widths of Unicode cannot be told."""
    release = _release(python)
    abi = f"cp{release[0]}{release[1]}"
    if release < (3, 3):
        return [f"{abi}mu", f"{abi}m"]
    if release < (3, 8):
        return [f"{abi}m"]
    return [f"{abi}t" if python.endswith("t") else abi]


def _python_markers(implementation: str, python: str) -> dict[str, str]:
    major, minor = _release(python)
    version = version_of(python)
    full = version if version.count(".") == 2 else f"{version}.0"
    return {
        "implementation_name": implementation,
        # PyPy's own, which its Python does not tell: the line that all its Pythons belong to.
        "implementation_version": full if implementation == "cpython" else "7.3.0",
        "platform_python_implementation": IMPLEMENTATIONS[implementation],
        "python_version": f"{major}.{minor}",
        "python_full_version": full,
    }

"""For which Pythons and platforms a file was built, as far as its name says. Lenient: indexes hold old names."""

from __future__ import annotations

import re
from functools import lru_cache

from bandersnatch import names
from bandersnatch.values import Struct

_DUMB = r"linux-\w+|macosx-[\d.]+-\w+|win32|win-amd64|win-arm64|win-arm32|freebsd-[\w.-]+?"
_EGG = re.compile(r"-py(\d)\.(\d+)(?:-(.+))?\Z")
_BUILT = re.compile(rf"[.-]({_DUMB})(?:-py(\d)\.(\d+))?\Z")
_PACKAGES = {".rpm": "linux", ".deb": "linux", ".dmg": "macosx", ".exe": "win", ".msi": "win"}
_TAG = re.compile(r"\w+\Z", re.ASCII)


class Built(Struct, frozen=True):
    """What a file was built for; ``any`` among the platforms, or no Python at all, means all of them."""

    pythons: tuple[tuple[str, str], ...]
    """Pairs of Python tag and ABI tag (PEP 425)."""
    platforms: tuple[str, ...]
    """Platform tags; for other files than wheels the platform's name with underscores, such as ``linux_x86_64``."""


class WheelTags(Struct, frozen=True):
    """The tags of a wheel (PEP 425); each part is a set."""

    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]

    def __str__(self) -> str:
        return "-".join(".".join(part) for part in (self.pythons, self.abis, self.platforms))

    def each(self) -> tuple[str, ...]:
        """Every single tag of the three sets, such as ``py3-none-any``."""
        return tuple(
            f"{python}-{abi}-{platform}" for python in self.pythons for abi in self.abis for platform in self.platforms
        )


def is_wheel(filename: str) -> bool:
    """Whether *filename* claims to be a wheel."""
    return filename.lower().endswith(".whl")


@lru_cache(maxsize=1 << 14)
def wheel_tags(filename: str) -> WheelTags | None:
    """
    The tags of a wheel's *filename*: its last three parts between dashes, whatever stands before them (PEP 427).

    None if there are no tags there. Names and versions are not looked at: real indexes hold many spellings.
    """
    parts = filename.lower().removesuffix(".whl").split("-")
    if len(parts) < 5 or not is_wheel(filename):
        return None
    python, abi, platform = (tuple(part.split(".")) for part in parts[-3:])
    if not all(_TAG.match(tag) for tag in (*python, *abi, *platform)):
        return None
    return WheelTags(python, abi, platform)


def built_for(filename: str) -> Built | None:
    """What *filename* was built for; None for an sdist, and for everything whose name does not say."""
    lowered = filename.lower()
    if is_wheel(lowered):
        tags = wheel_tags(filename)
        if tags is None:
            return None
        return Built(tuple((python, abi) for python in tags.pythons for abi in tags.abis), tags.platforms)
    stem = names.stem(lowered)
    if lowered.endswith(".egg"):
        return _built(*found.groups()) if (found := _EGG.search(stem)) else None
    if found := _BUILT.search(stem):
        return _built(found[2], found[3], found[1])
    system = _PACKAGES.get(lowered[-4:])
    if system is None:
        return None
    # The architecture of an rpm stands after its last dot; of the others nothing but the system can be told.
    return _built(None, None, f"{system}_{stem.rpartition('.')[2]}" if lowered.endswith(".rpm") else system)


def _built(major: str | None, minor: str | None, platform: str | None) -> Built:
    # Not even an egg without compiled code suits another Python than its own: it has that Python's bytecode.
    pythons = ((f"cp{major}{minor}", "none"),) if major else ()
    return Built(pythons, (re.sub(r"[.-]", "_", platform or "any"),))

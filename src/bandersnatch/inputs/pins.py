"""The pinned versions that locks and bills of materials have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from packaging.version import Version

from bandersnatch import names
from bandersnatch.inputs.findings import Findings, mask
from bandersnatch.values import Struct


class Pin(Struct, frozen=True):
    """One version of one project, as a file names it."""

    name: str
    version: str | None
    line: int | None = None
    markers: tuple[str, ...] = ()
    """It is needed where any of them is true; everywhere if there is none."""
    hashes: tuple[str, ...] = ()
    index: str = ""
    """The index that it comes from; empty for the tool's default."""
    elsewhere: str = ""
    """What else than an index it comes from, such as "a Git repository"."""


def collect(pins: Iterable[Pin], findings: Findings) -> None:
    """Note each of *pins* as ``name==version``, and those that no mirror can hold as warnings."""
    held = [pin for pin in pins if _can_be_held(pin, findings)]
    usual = Counter(pin.index for pin in held).most_common(1)
    for pin in held:
        marker = " or ".join(f"({one})" for one in pin.markers)
        findings.want(f"{pin.name}=={pin.version}" + (f" ; {marker}" if marker else ""), pin.line, pin.hashes)
        if pin.index != usual[0][0]:
            source = f"from {mask(pin.index)}" if pin.index else "from the default index"
            findings.warn(
                f"{pin.name} comes {source}, unlike most of this file: see that it is upstream's project of that name",
                pin.line,
            )


def _can_be_held(pin: Pin, findings: Findings) -> bool:
    reason = _why_not(pin)
    if reason:
        shown = " ".join(filter(None, (pin.name[:80], (pin.version or "")[:80])))
        findings.warn(f"{shown} {reason}: skipped", pin.line)
    return not reason


def _why_not(pin: Pin) -> str:
    if pin.elsewhere:
        return f"comes from {pin.elsewhere}, which a mirror cannot hold"
    if not names.is_project_name(pin.name):
        return "has a name that no project can have"
    if pin.version is None:
        return "has no version"
    try:
        Version(pin.version)
    except ValueError:  # a number may also be too long for Python
        return "has a version that is none of PEP 440's"
    return ""

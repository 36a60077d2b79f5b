"""What is found in a file: the wanted requirements, what had to be passed over, and what is wrong."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement

from bandersnatch import names
from bandersnatch.errors import Problem
from bandersnatch.values import Struct, field, replace

# The variables that a marker may ask for besides the environment's: PEP 508's extra, PEP 751's two.
_CHOICE = re.compile(r"\b(extra|extras|dependency_groups)\b")


class Wanted(Struct, frozen=True):
    """One requirement that a file names."""

    text: str
    """A requirement without URL (PEP 508), in the spelling of ``packaging``."""
    file: str
    line: int | None
    """Counted from 1; None where the place cannot be told."""
    hashes: tuple[str, ...] = ()
    """Digests of acceptable files, such as ``sha256:…``; empty where the file names none."""


class Read(Struct, frozen=True):
    """All that one file says, with the files that it includes."""

    items: tuple[Wanted, ...]
    constraints: tuple[Wanted, ...]
    """They narrow items of the same project, and want nothing by themselves."""
    warnings: tuple[Problem, ...]
    """What was passed over, and why."""


class Findings(Struct, frozen=True):
    """Filled by the readers. ``within`` gives another file's findings that go to the same lists."""

    file: str
    items: list[Wanted] = field(default_factory=list)
    constraints: list[Wanted] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def within(self, file: str) -> Findings:
        """The same lists, for what stands in *file*."""
        return replace(self, file=file)

    def warn(self, message: str, line: int | None = None) -> None:
        """Note what was passed over."""
        self.warnings.append(Problem(message, self.file, line))

    def refuse(self, message: str, line: int | None = None) -> None:
        """Note what makes the file unusable."""
        self.problems.append(Problem(message, self.file, line))

    def want(
        self, text: str, line: int | None = None, hashes: tuple[str, ...] = (), *, constraint: bool = False
    ) -> None:
        """Note a requirement (PEP 508). One with a URL is a warning, what is no requirement a problem."""
        try:
            requirement = parse(text)
        except ValueError as error:
            self.refuse(f"{mask(text[:200])!r} is not a requirement (PEP 508): {mask(str(error))}", line)
            return
        if not names.is_project_name(requirement.name):
            self.refuse(f"{requirement.name[:80]!r} is not a project name", line)
            return
        if requirement.url:
            self.warn(f"{requirement.name} comes from a URL or path, which a mirror cannot hold: skipped", line)
            return
        # A mirror serves whoever asks for the extra: what only an extra or a group brings is wanted all the same.
        if requirement.marker and _CHOICE.search(str(requirement.marker)):
            requirement.marker = None
        found = self.constraints if constraint else self.items
        found.append(Wanted(str(requirement), self.file, line, hashes))

    def read(self) -> Read:
        """What was found, each requirement once."""
        return Read(_once(self.items), _once(self.constraints), tuple(self.warnings))


def parse(text: str) -> Requirement:
    """The requirement that *text* is. Raises ValueError with a reason of one line."""
    # Python turns no longer number into an integer, and says so only when a version is compared.
    if re.search(r"\d{4000}", text):
        raise ValueError("a number in it is too long")
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(str(error).splitlines()[0]) from error
    except RecursionError as error:
        raise ValueError("its marker is nested too deeply") from error


def mask(text: str) -> str:
    """*text* as it may be shown: no user, password or query of a URL in it."""
    return re.sub(r"(//[^\s?]*)\?\S*", r"\1?***", re.sub(r"(?<=//)[^/?#\s]*@", "***@", text))


def _once(found: list[Wanted]) -> tuple[Wanted, ...]:
    first: dict[tuple[str, tuple[str, ...]], Wanted] = {}
    for one in found:
        first.setdefault((one.text, one.hashes), one)
    return tuple(first.values())

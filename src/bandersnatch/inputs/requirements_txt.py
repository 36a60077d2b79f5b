"""
Requirement files as pip reads them: https://pip.pypa.io/en/stable/reference/requirements-file-format/

The format is pip's, and pip offers no reader of it. The lines are taken apart here in the order that pip does it (join,
strip comments, fill in variables, split off the options); what a line requires is read by ``packaging``.

Messages repeat no line: a file may include any other, and what is no requirement there may be anything, a secret too.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from bandersnatch import names
from bandersnatch.errors import UsageError
from bandersnatch.inputs import content
from bandersnatch.inputs.findings import Findings, parse
from bandersnatch.values import Struct

MAX_DEPTH = 50
"""How deep files may include each other."""

_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_URL = re.compile(r"(?:https?|ftp|file|ssh|(?:git|hg|svn|bzr)(?:\+[a-z]+)?):", re.IGNORECASE)
_OPTION = re.compile(r"-[a-zA-Z]|--[a-z]")
_LONG_OPTION = re.compile(r"--[a-z]+(?:-[a-z]+)*")
_PLACE = "is a URL or path, which a mirror cannot hold: skipped"
_ARCHIVE = re.compile(r"\.(whl|zip|tar|tar\.gz|tgz|tar\.bz2|tbz|tar\.xz|txz)(\[[^\]]*\])?\Z", re.IGNORECASE)


class _File(Struct, frozen=True):
    """One file and what includes it: constraints stay constraints, a file that includes itself is found out."""

    path: Path
    constraint: bool
    chain: tuple[Path, ...]
    seen: set[tuple[Path, bool]]


def read(text: str, path: Path, findings: Findings) -> None:
    """Note what *text*, which stands in *path*, requires, and what the files that it includes do."""
    start = _real(path)
    _read(text, _File(path, False, (start,), {(start, False)}), findings)


def _read(text: str, file: _File, findings: Findings) -> None:
    for number, line in _logical_lines(text):
        _read_line(number, line, file, findings)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that hold something, without comments; those that a backslash joins count as their first."""
    first, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        first = first if parts else number
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            parts.append(line.strip("\\"))
            continue
        parts.append(f" {line}" if comment else line)
        yield from _stripped(first, parts)
        parts = []
    yield from _stripped(first, parts)


def _stripped(number: int, parts: list[str]) -> Iterator[tuple[int, str]]:
    line = _COMMENT.sub("", "".join(parts)).strip()
    if line:
        yield number, line


def _read_line(number: int, line: str, file: _File, findings: Findings) -> None:
    # A variable that is not set, or is empty, stays as it is written: so does pip.
    filled = _VARIABLE.sub(lambda found: os.environ.get(found[1]) or found[0], line)
    requirement, rest = _split(filled)
    if rest and not _OPTION.match(rest):
        findings.refuse("is neither a requirement (PEP 508) nor an option", number)
        return
    try:
        options, unknown = _PARSER.parse_known_args(shlex.split(rest))
    except ValueError:
        findings.refuse("the options cannot be understood", number)
        return
    if unknown:
        named = ", ".join(found[0] for one in unknown if (found := _LONG_OPTION.match(one)))
        findings.warn(f"not understood, and ignored: {named or 'an option'}", number)
    if requirement:
        _require(requirement, _split(line)[0], tuple(options.hash), number, file, findings)
    else:
        _obey(options, number, file, findings)


def _split(line: str) -> tuple[str, str]:
    """The requirement of a *line*, and its options: they begin at the first word with a dash."""
    words = line.split(" ")
    start = next((position for position, word in enumerate(words) if word.startswith("-")), len(words))
    return " ".join(words[:start]).strip(), " ".join(words[start:])


def _require(text: str, written: str, hashes: tuple[str, ...], number: int, file: _File, findings: Findings) -> None:
    """Note what *text* requires; as *written* it may still have had variables."""
    unset = [name for name in _VARIABLE.findall(text) if not os.environ.get(name)]
    objection = _objection(text)
    if not objection and not _ARCHIVE.search(text.partition("@")[0]):
        findings.want(text, number, hashes, constraint=file.constraint)
    elif _is_place(text):
        findings.warn(_PLACE, number)
    elif unset:
        findings.refuse(f"the variable {unset[0]} is not set", number)
    elif text != written:
        findings.refuse("is not a requirement (PEP 508) with the variables as they are set", number)
    else:
        findings.refuse(f"is not a requirement (PEP 508): {objection}", number)


def _objection(text: str) -> str:
    """Why *text* is not a requirement; empty if it is one."""
    try:
        return "" if names.is_project_name(parse(text).name) else "no project can have such a name"
    except ValueError as error:
        return str(error)


def _is_place(text: str) -> bool:
    """Whether *text*, which is not a requirement, is a URL, a folder or an archive."""
    head = text.partition(";")[0].strip()
    if _URL.match(head) or head.startswith((".", "/", "~")) or _ARCHIVE.search(head):
        return True
    # What has a slash before any specifier or URL: "packages/one"; a line of /etc/passwd is no path.
    return "/" in re.split(r"[@=<>!~\s]", head, maxsplit=1)[0] and ":" not in head


# --- lines that require nothing themselves -------------------------------------------------------------------------


def _obey(options: argparse.Namespace, number: int, file: _File, findings: Findings) -> None:
    """Follow a line of options only."""
    if options.editable:
        findings.warn(_PLACE, number)
    for constraint, places in ((False, options.requirement), (True, options.constraint)):
        for place in places:
            if _URL.match(place):
                findings.refuse("names a URL: fetch it, and name the file", number)
            else:
                _include(place, constraint, number, file, findings)
    if options.hash:
        findings.warn("--hash without a requirement: ignored", number)
    for name in options.ignored:
        findings.warn(f"{name} is pip's to follow: ignored", number)


def _include(place: str, constraint: bool, number: int, file: _File, findings: Findings) -> None:
    path = file.path.parent / place
    real = _real(path)
    if real in file.chain:
        findings.refuse(f"{place} includes this file again, without end", number)
    elif len(file.chain) >= MAX_DEPTH:
        findings.refuse(f"more than {MAX_DEPTH} files include each other", number)
    elif (real, constraint) not in file.seen:
        file.seen.add((real, constraint))
        inner = findings.within(str(path))
        try:
            text = content.text_of(path)
        except UsageError as error:
            findings.refuse("; ".join(f"{place} {problem.message}" for problem in error.problems), number)
            return
        _read(text, _File(path, constraint, (*file.chain, real), file.seen), inner)


def _real(path: Path) -> Path:
    """*path* without links; unlike ``Path.resolve`` this does not fail for links that go in circles."""
    return Path(os.path.realpath(path))


# --- options -------------------------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """One that raises ValueError instead of ending the program."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


class _Ignored(argparse.Action):
    """Notes the name of an option, and not its value: that of an index may hold a password."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        namespace.ignored = [*namespace.ignored, self.option_strings[-1]]


def _parser() -> _Parser:
    parser = _Parser(add_help=False)
    parser.set_defaults(ignored=[])
    for short, long in (("-r", "--requirement"), ("-c", "--constraint"), ("-e", "--editable"), ("--hash", "--hash")):
        parser.add_argument(short, long, action="append", default=[])
    for name in _WITH_VALUE:
        parser.add_argument(name, action=_Ignored)
    parser.add_argument("-i", "--pypi-url", "--index-url", action=_Ignored)
    parser.add_argument("-f", "--find-links", action=_Ignored)
    for name in _WITHOUT_VALUE:
        parser.add_argument(name, action=_Ignored, nargs=0)
    # They say how one requirement is built, which is nothing to a mirror.
    parser.add_argument("-C", "--config-setting", "--config-settings", "--global-option", action="append")
    return parser


_WITH_VALUE = (
    "--extra-index-url", "--no-binary", "--only-binary", "--trusted-host", "--use-feature", "--all-releases",
    "--only-final",
)  # fmt: skip
_WITHOUT_VALUE = ("--no-index", "--prefer-binary", "--require-hashes", "--no-require-hashes", "--pre")
_PARSER = _parser()

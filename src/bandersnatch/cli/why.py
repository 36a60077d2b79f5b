"""``bandersnatch why``: what every rule says of a project, a version or a file, and what becomes of it."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from bandersnatch.cli import command, exits, options, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bandersnatch.config.load import Loaded
    from bandersnatch.config.schema import Config
    from bandersnatch.selection import Explained
    from bandersnatch.sync.explaining import Answer, Fate, Judged

DESCRIPTION = """\
Say why a project, a version or a file is mirrored or not: each rule's verdict in order, with the line of the
configuration that it comes from. An arrow marks the verdict that decides. Upstream is asked for the project's page.
"""

EXIT = """\
exit status:
  0    wanted: one of the files that were asked about, at least
  1    not wanted
  2    wrong usage, or there is no such project, version or file
  74   the catalogue cannot be read
"""

RELEASES = 3
"""Without --all so many releases of a project are told about, the newest."""


class Target(NamedTuple):
    """What is asked about."""

    project: str
    """Normalised."""
    version: str
    """Empty for all."""
    filename: str
    """Empty for all."""


def add_parser(commands: Any) -> None:
    """Add ``why`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "why",
        run_why,
        "say why a project, a version or a file is mirrored or not",
        description=DESCRIPTION,
        exits=EXIT,
        examples=["why six", "why six==1.16.0 --offline"],
        goes_on=False,
    )
    parser.add_argument("target", metavar="NAME[==VERSION][/FILE]", help="what to explain, such as six or six==1.16.0")
    options.add_place(parser)
    parser.add_argument("--offline", action="store_true", help="do not ask upstream: explain what the mirror holds")
    parser.add_argument("--all", action="store_true", help=f"every release, not the newest {RELEASES} only")
    parser.add_argument("--json", action="store_true", help="as one JSON object, with every file that is asked about")


def run_why(args: argparse.Namespace, out: TextIO) -> int:
    """Print why. Returns the exit code."""
    import asyncio

    target = parse(args.target)
    loaded = options.load(args)
    if loaded.config.selects_nothing:
        named = "the configuration selects nothing, so this is what a run would do that names it: bandersnatch mirror"
        print(f"bandersnatch: {named} {target.project}", file=sys.stderr)
        loaded = options.load(args, options.naming([target.project]))
    answer = asyncio.run(_explain(args, loaded, target.project))
    files = asked_about(answer, target)
    if args.json:
        import json

        print(json.dumps(collect(answer, files), indent=2), file=out)
    else:
        shown = files if args.all or target.version or target.filename else newest(files)
        print("\n".join(map(text.shown, lines(answer, shown, len(files), loaded.config))), file=out)
    if not answer.is_known:
        return exits.USAGE
    if not files and (target.version or target.filename):
        print(f"bandersnatch: {_no_such(answer, target)}", file=sys.stderr)
        return exits.USAGE
    return exits.CLEAN if is_wanted(answer, files) else exits.BEHIND


def parse(written: str) -> Target:
    """``NAME[==VERSION][/FILE]`` taken apart. Raises UsageError."""
    from bandersnatch import names
    from bandersnatch.errors import UsageError

    release, _, filename = written.partition("/")
    name, _, version = release.partition("==")
    try:
        return Target(names.normalise(name.strip()), version.strip(), filename.strip())
    except ValueError as error:
        raise UsageError(f"{written}: {error}; ask for NAME, NAME==VERSION or NAME/FILE") from error


async def _explain(args: argparse.Namespace, loaded: Loaded, project: str) -> Answer:
    import time

    from bandersnatch import assemble
    from bandersnatch.assemble import closing, dependencies
    from bandersnatch.assemble.selection import choose
    from bandersnatch.sync.explaining import explain

    now, config = time.time(), loaded.config
    chosen = choose(loaded)
    # Only a closure is written down: without one there is no need to copy the catalogue, which may be large.
    rehearsal = assemble.rehearsal(config, os.environ, chosen.selection, copied=config.select.dependencies)
    async with rehearsal as mirror:
        # The closure that the mirror was made with, however old, says why things are as they are.
        found_at = float(mirror.catalogue.get(dependencies.FOUND_AT) or now)
        closed = await closing.close(mirror, config, os.environ, found_at, constraints=chosen.constraints)
        for problem in (*chosen.warnings, *closed.warnings):
            print(f"bandersnatch: warning: {text.shown(str(problem))}", file=sys.stderr)
        return await explain(closed.mirror, project, now, offline=args.offline)


# --- what is asked about -------------------------------------------------------------------------------------------


def asked_about(answer: Answer, target: Target) -> list[Judged]:
    """The files of *answer* that *target* means. A version may be spelled in any way (PEP 440)."""
    files = [one for one in answer.files if target.filename in ("", one.filename)]
    if not target.version:
        return files
    # What is no version at all can still be asked for as it is spelled.
    version = _version(target.version) or target.version
    return [one for one in files if version in (one.version, _version(one.version))]


def newest(files: Sequence[Judged]) -> list[Judged]:
    """The files of the newest ``RELEASES`` releases."""
    from packaging.version import Version

    def rank(release: str) -> tuple[bool, Version]:
        version = _version(release)
        return version is not None, version or Version("0")

    releases = sorted({one.version for one in files}, key=rank, reverse=True)[:RELEASES]
    return [one for one in files if one.version in releases]


def is_wanted(answer: Answer, files: Sequence[Judged]) -> bool:
    """Whether any of *files* is wanted; where there is none to be seen, whether the project is."""
    if files or answer.exists is False:
        return any(one.wanted for one in files)
    return answer.explained.wanted


def _version(text: str) -> Any:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        return None


def _no_such(answer: Answer, target: Target) -> str:
    what = f"file {target.filename}" if target.filename else f"version {target.version}"
    where = "upstream and the mirror have" if answer.exists is not None else "the mirror has"
    there = ", ".join(dict.fromkeys(one.version for one in newest(answer.files)))
    return f"{where} no {what} of {answer.project}" + (f"; the newest versions are {there}" if there else "")


# --- what is printed -----------------------------------------------------------------------------------------------


def collect(answer: Answer, files: Sequence[Judged]) -> dict[str, Any]:
    """The answer as JSON has it."""
    from bandersnatch.values import to_builtins

    facts = to_builtins(answer)
    entry = answer.entry
    return {
        **facts,
        "wanted": is_wanted(answer, files),
        "files": [to_builtins(one) for one in files],
        "entry": entry and {"published": entry.published, "serial": entry.serial, "promised": entry.promised},
    }


def lines(answer: Answer, shown: Sequence[Judged], count: int, config: Config) -> list[str]:
    """The answer for people, with the *shown* ones of *count* files."""
    result = [f"{answer.project}: {_wanted(answer.explained.wanted)}", *_verdicts(answer.explained)]
    result += [f"  {line}" for line in _about(answer)]
    for one in shown:
        result.append(f"{one.filename}: {_wanted(one.wanted)}, {_whereabouts(one)}")
        result += _verdicts(one.explained) if one.explained else []
        result += [f"    {_fate(one.fate, config)}"] if one.fate else []
    if len(shown) < count:
        result.append(f"and {text.count(count - len(shown), 'file')} of older releases: --all tells of them as well")
    return result


def _about(answer: Answer) -> Iterator[str]:
    from bandersnatch.sync.unmatched import perhaps

    if answer.exists is False:
        yield f"upstream has no project of this name{perhaps(answer.nearest)}"
    if answer.unreachable:
        yield f"upstream gave no answer, so this is about the files that the mirror holds: {answer.unreachable}"
    if answer.index_only:
        yield "index-only: its page links upstream's files, and none of them is stored"
    if answer.status not in (None, "active"):
        yield f"upstream says that the project is {answer.status}"
    if answer.behind is not None:
        behind = answer.behind
        since, next_try = text.moment(behind.since), text.moment(behind.next_try)
        yield f"behind since {since}: {behind.reason}; next try after {next_try}"
    for one in answer.rejected:
        yield f"{one.filename} is not taken, whatever the rules say: {one.reason}"


def _verdicts(explained: Explained) -> Iterator[str]:
    for verdict in explained.verdicts:
        arrow = "→" if verdict is explained.deciding else " "
        until = f", until {text.moment(verdict.until)}" if verdict.until is not None else ""
        yield f"  {arrow} {_wanted(verdict.wanted)}: {verdict.reason}{until} [{verdict.origin or verdict.rule}]"


def _wanted(wanted: bool) -> str:
    return "wanted" if wanted else "not wanted"


def _whereabouts(one: Judged) -> str:
    if one.held:
        return "held" if one.explained else "held, and not on upstream's page"
    return "not held"


def _fate(fate: Fate, config: Config) -> str:
    """What becomes of a file that is held and not wanted."""
    policy = f"[removal] {fate.cause} = {fate.policy}"
    if fate.stays:
        return f"it stays: {policy}"
    kept = config.removal.hidden_for if fate.policy == "hide" else config.removal.trash
    later = f", then waits {text.span(kept)} in the trash" if kept else ""
    return (
        f"it leaves: {policy}; the next run takes it off its page, "
        f"and a run that comes {text.span(config.mirror.grace)} later or more out of storage{later}"
    )

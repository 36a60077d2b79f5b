"""``bandersnatch audit``: proof that the mirror is complete, and the check of such a proof elsewhere."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import command, exits, options, text

if TYPE_CHECKING:
    from bandersnatch.config.load import Loaded
    from bandersnatch.upkeep.auditing import Audit
    from bandersnatch.verify.engine import Wish

SHOWN = 50

DESCRIPTION = """\
Prove that everything which the selection wants of upstream's list is here, whole, and published; what is not is named
with the reason. Upstream's list is read, and pages are asked for only where it leaves a doubt. Every page and every
file here is read. Nothing is changed. With --check, compare a tree with the report of such an audit instead.
"""

EXIT = """\
exit status:
  0    complete; with --check, the tree is as the report says
  1    incomplete, or upstream could not be asked; with --check, the tree is not as the report says
  2    wrong usage, nothing was mirrored yet, or FILE is something else than a report
  3    upstream's list is not to be believed
  74   the catalogue, or the mirror's directory, cannot be read
"""


def add_parser(commands: Any) -> None:
    """Add ``audit`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "audit",
        run_audit,
        "prove that the mirror is complete",
        description=DESCRIPTION,
        exits=EXIT,
        examples=["audit --report audit.jsonl", "audit --check audit.jsonl --tree /media/copy"],
    )
    options.add_place(parser)
    parser.add_argument("--report", metavar="FILE", help="write what was found to FILE, for another machine to check")
    parser.add_argument("--check", metavar="FILE", help="compare a tree with the report FILE")
    parser.add_argument(
        "--tree", metavar="DIR", help="with --check: the web server's root to be compared (default: the mirror's web/)"
    )
    parser.add_argument("--quick", action="store_true", help="compare the sizes of files, and do not read them")
    parser.add_argument("--bandwidth", metavar="RATE", help="read no more than this, such as 50MiB/s")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line for what is wrong, and a sum")


def run_audit(args: argparse.Namespace, out: TextIO) -> int:
    """Prove, or check a proof. Returns the exit code."""
    from bandersnatch.errors import Problem, UsageError

    if args.tree and not args.check:
        raise UsageError(Problem("it is about --check, which is not given", key="--tree"))
    return _check(args, out) if args.check else _audit(args, out)


# --- the proof -----------------------------------------------------------------------------------------------------


def _audit(args: argparse.Namespace, out: TextIO) -> int:
    import time

    from bandersnatch.assemble import verifying
    from bandersnatch.assemble.selection import choose
    from bandersnatch.errors import UsageError
    from bandersnatch.upkeep.auditing import Auditor
    from bandersnatch.upkeep.comparing import Question, compare
    from bandersnatch.upstream.address import conceal

    loaded, now = options.load(args), time.time()
    with verifying.beside_upstream(loaded.config, os.environ, choose(loaded).selection) as (runner, mirror, ground):
        if ground.selection is None:
            raise UsageError(_unknown(loaded))
        refused = runner.run(compare(mirror, Question(), now, lambda _: None))
        with _written(args.report, loaded.config.mirror.directory) as write:
            told = _Told(out, as_json=args.json)

            def hear(line: str) -> None:
                write(line)
                told.hear(line)

            audit = Auditor(ground, conceal(mirror.address), hear).run(_wish(args), now)
    told.end(audit)
    if refused:
        print(f"bandersnatch: {text.shown(refused)}", file=sys.stderr)
        return exits.REFUSED
    return exits.BEHIND if audit.incomplete else exits.CLEAN


def _unknown(loaded: Loaded) -> str:
    if loaded.config.selects_nothing:
        return "the configuration selects nothing, so nothing can be complete"
    return "the dependencies were not found yet for these requirements: bandersnatch mirror finds them"


def _wish(args: argparse.Namespace) -> Wish:
    from bandersnatch.verify.engine import Wish

    return Wish(pages=True, contents=not args.quick, threads=min(4, os.cpu_count() or 1), bandwidth=_bandwidth(args))


def _bandwidth(args: argparse.Namespace) -> float:
    from bandersnatch.config import values
    from bandersnatch.errors import Problem, UsageError

    try:
        return float(values.parse_rate(args.bandwidth)) if args.bandwidth else 0.0
    except ValueError as error:
        raise UsageError(Problem(str(error), key="--bandwidth")) from error


@contextmanager
def _written(report: str | None, mirror: str) -> Iterator[Callable[[str], None]]:
    """Writes lines to the file *report*, which is whole or not there; nowhere if there is to be none."""
    from pathlib import Path

    from bandersnatch.storage import outputs
    from bandersnatch.storage.oserrors import translated
    from bandersnatch.upkeep.auditing import is_report

    if report is None:
        yield lambda _: None
        return
    with outputs.replacing(Path(report), outputs.Kind("report of an audit", is_report), mirror) as new:
        file = new.open("w", encoding="ascii")

        def write(line: str) -> None:
            with translated(None, report):
                print(line, file=file)

        try:
            yield write
        except BaseException:
            with suppress(OSError):
                file.close()
            raise
        with translated(None, report):
            file.close()


class _Told:
    """What is wrong, for people or for machines; the report has everything."""

    def __init__(self, out: TextIO, *, as_json: bool) -> None:
        self._out = out
        self._json = as_json
        self._count = 0

    def hear(self, line: str) -> None:
        """A line of the report."""
        import json

        if '"problems":' not in line and '"incomplete":"' not in line:
            return
        self._count += 1
        facts = json.loads(line)
        name = facts.get("project") or facts.get("incomplete") or "the list of projects"
        for reason in facts.get("problems") or [facts["reason"]]:
            if self._json:
                print(text.as_json({"incomplete": name, "reason": reason}), file=self._out)
            elif self._count <= SHOWN:
                print(text.shown(f"{name}: {reason}"), file=self._out)
        if self._count == SHOWN + 1 and not self._json:
            print("and more: --report writes all of it", file=self._out)

    def end(self, audit: Audit) -> None:
        """The sum."""
        if self._json:
            print(text.as_json(audit.facts()), file=self._out)
            return
        what = f"{text.count(audit.projects, 'project')}, {text.count(audit.files, 'file')}, {text.size(audit.bytes)}"
        absent = f"; {audit.absent:,} on upstream's list that it has no page of" if audit.absent else ""
        word = f"incomplete: {audit.incomplete:,}" if audit.incomplete else "complete"
        print(f"{word}; here are {what}{absent}", file=self._out)


# --- the check -----------------------------------------------------------------------------------------------------


def _check(args: argparse.Namespace, out: TextIO) -> int:
    from pathlib import Path

    from bandersnatch.cli import verified
    from bandersnatch.errors import UsageError
    from bandersnatch.storage.glance import Glance
    from bandersnatch.upkeep.checking import check, trusted
    from bandersnatch.verify.reading import Pace, Reader

    directory = args.tree or str(Path(options.load(args).config.mirror.directory, "web"))
    if not os.path.isdir(directory):
        raise UsageError(f"{directory}: there is no such folder")
    report = verified.choose(out, as_json=args.json, shown=SHOWN)
    with closing(Glance(directory, served="")) as place:
        try:
            with open(args.check, encoding="ascii") as lines:
                trusted(lines)
                lines.seek(0)
                for finding in check(lines, place, Reader(place, Pace(_bandwidth(args))), contents=not args.quick):
                    report.add(finding)
        except OSError as error:
            raise UsageError(f"{args.check}: {error.strerror}") from error
        except (UsageError, UnicodeDecodeError) as error:
            raise UsageError(f"{args.check}: {error}") from error
    report.end()
    return exits.BEHIND if report.counts.total() else exits.CLEAN

"""The bench's command line: ``python -m bench [SCENARIO…]`` measures, ``python -m bench report`` writes the page."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from bench import report, results
from bench.context import PEERS, Bench
from bench.measure import Failed
from bench.scenarios import SCENARIOS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
REPORT = "report"


def main() -> int:
    """0 if everything that was asked for could be measured."""
    # An end that is asked for politely runs what ends the programs that were started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    args = _parser().parse_args()
    bench = Bench(args.work.absolute(), args.size == "full", args.runs, frozenset(args.peers))
    names = [name for name in args.scenarios or SCENARIOS if name != REPORT]
    try:
        failed = [name for name in names if not _measured(bench, name, args.size)]
    finally:
        # Not before: where a file system has just been rid of many files, whoever writes next is slowed down.
        shutil.rmtree(bench.work / "runs", ignore_errors=True)
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
    written = _report(bench.work, args.output) if REPORT in args.scenarios else True
    return 1 if failed or not written else 0


def _measured(bench: Bench, name: str, size: str) -> bool:
    began = time.monotonic()
    try:
        result = results.dated(SCENARIOS[name](bench), size, bench.versions)
    except (Failed, FileNotFoundError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return False
    results.save(result, bench.work / "results")
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return True


def _report(work: Path, output: Path) -> bool:
    kept = [work / "results" / f"{name}.json" for name in SCENARIOS]
    found = [results.load(path) for path in kept if path.exists()]
    if found:
        output.write_text(report.render(found))
    else:
        print(f"nothing was measured in {work}: run python -m bench first", file=sys.stderr)
    return bool(found)


def _scenario(text: str) -> str:
    if text in SCENARIOS or text == REPORT:
        return text
    raise argparse.ArgumentTypeError(f"{text} is none of {', '.join([*SCENARIOS, REPORT])}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure bandersnatch beside its peers.")
    parser.add_argument(
        "scenarios", nargs="*", default=[], type=_scenario, metavar="SCENARIO",
        help=f"what to measure (default: everything): {', '.join(SCENARIOS)}; or report, which writes the page",
    )  # fmt: skip
    parser.add_argument("--size", choices=("short", "full"), default="short", help="how much (default: short)")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="how often each (default: 5)")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS, help="whom to compare with (default: all)")
    parser.add_argument("--work", type=Path, default=ROOT / ".bench", help="trees, environments, results")
    parser.add_argument("--output", type=Path, default=PAGE, help="where the page goes")
    return parser


if __name__ == "__main__":
    sys.exit(main())

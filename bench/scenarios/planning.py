"""From nothing to the first page: what a first run of everything does before it begins to work (bar 4)."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from bench import peers
from bench.context import Bench
from bench.measure import LIMIT, Command, Failed
from bench.results import Bar, Result, Row
from bench.serve import Site, serve
from bench.tree import Shape

ABOUT = """\
A first run of everything on a list of {count} projects: seconds until the first page is asked for, as the server sees
it, and the most memory until then. It is killed there (SIGKILL) and run again: what the second run takes to ask for
its first page is the resumption."""


def run(bench: Bench) -> Result:
    """Only the list is there: no page is needed."""
    count = bench.size(20_000, 930_000)
    room = bench.room("planning")
    makers: dict[str, Callable[[Path, Site], Command]] = {"bandersnatch": peers.ours}
    if "pypa" in bench.peers:
        makers["PyPA bandersnatch"] = bench.pypa.mirror
    samples: dict[str, list[dict[str, float]]] = {f"{name}{part}": [] for name in makers for part in _PARTS}
    with serve(bench.tree(Shape(0, listed=count)), room / "site") as site:
        for turn in range(bench.runs):
            for name, maker in makers.items():
                home = room / f"{turn}-{name.partition(' ')[0]}"
                home.mkdir()
                command = maker(home, site)
                for part in _PARTS:
                    samples[name + part].append(_until_first_page(command, site))
    rows = tuple(Row(name, tuple(found)) for name, found in samples.items())
    bars = (
        Bar("seconds until the first page", "bandersnatch", "first", 15),
        Bar("megabytes until then", "bandersnatch", "peak", 150),
        Bar("seconds to resume", "bandersnatch, resumed", "first", 5),
    )
    return Result("planning", "Planning", ABOUT.format(count=count), rows, bars)


_PARTS = ("", ", resumed")


def _until_first_page(command: Command, site: Site) -> dict[str, float]:
    """Start *command*, and kill it when it asks for a page. Raises Failed if it ends before."""
    os.sync()
    site.forget()
    began = time.time()
    with command.output.open("w") as output:
        process = subprocess.Popen(
            command.argv, cwd=command.home, env=dict(command.env), stdin=subprocess.DEVNULL, stdout=output,
            stderr=output,
        )  # fmt: skip
        try:
            first = _first_page(process, site, began)
            return {"first": first - began, **_memory(process.pid)}
        except Failed as error:
            raise Failed(f"{command}: {error}: {command.output.read_text()[-2000:]}") from None
        finally:
            process.kill()
            process.wait()


def _first_page(process: subprocess.Popen[bytes], site: Site, began: float) -> float:
    while time.time() < began + LIMIT:
        page = next((one for one in site.asked() if one.is_page), None)
        if page is not None:
            return page.time
        if process.poll() is not None:
            raise Failed("it ended before it asked for a page")
        time.sleep(0.005)
    raise Failed(f"no page was asked for in {LIMIT:g} s")


def _memory(number: int) -> dict[str, float]:
    """The most memory that a running process had so far."""
    with contextlib.suppress(OSError):
        found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{number}/status").read_text(), re.M)
        if found:
            return {"peak": int(found[1]) * 1024 / 1e6}
    return {}

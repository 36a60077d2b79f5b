"""The matrix of the network: what can be wrong with an answer, in which of five stages, how often."""

from __future__ import annotations

import re
import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit

import pytest

from bandersnatch import testing
from bandersnatch.sync import events
from bandersnatch.testing import Fault
from bandersnatch.upstream.pacing import RateWatch
from tests.faults import checker, scenario
from tests.faults.clock import Timekeeper
from tests.faults.scenario import A_WEEK, NEW, PLAIN, SOON, TARGET, TRIES, Mirror, Scenario

JSON = "application/vnd.pypi.simple.v1+json"
PATIENCE = 120
"""Seconds of Retry-After, in either form."""
TIMES: dict[str, int | None] = {"once": 1, "thrice": TRIES, "always": None}
MAX_GROWTH = 256 << 10
"""KiB by which a run may make the process grow, whatever upstream sends."""

STAGES = {
    "list": "/simple/",
    "page": f"/simple/{TARGET}/",
    "file": f"/packages/*/{NEW}",
    "metadata": f"/packages/*/{PLAIN}.metadata",
    "provenance": f"/integrity/{TARGET}/*/provenance",
}


@dataclass(frozen=True)
class Toxic:
    """One kind of fault."""

    make: Callable[[Scenario, str], Fault]
    """From the scenario and the stage."""
    stages: frozenset[str] = frozenset(STAGES)
    credible: frozenset[str] = frozenset()
    """The stages in which no client can tell it from a good answer."""
    silence: float = 60.0
    haste: float = 1.0


def _in_two_minutes(_: Scenario, __: str) -> Fault:
    return testing.Status(429, format_datetime(datetime.now(UTC) + timedelta(seconds=PATIENCE), usegmt=True))


def _older(made: Scenario, stage: str) -> Fault:
    return testing.Body(made.old[STAGES[stage]], JSON)


def _wrong_bytes(_: Scenario, stage: str) -> Fault:
    return testing.Corrupt()


def _elsewhere(made: Scenario, _: str) -> Fault:
    return testing.Redirect(f"{made.elsewhere.url}/simple/{TARGET}/")


def _of_another(made: Scenario, stage: str) -> Fault:
    """Whole, well formed, and not what was asked for."""
    files = '{"meta": {"api-version": "1.4"}, "name": "other", "files": [], "projects": {}}'
    return testing.Body(files.encode(), JSON)


def _to_tls(made: Scenario, _: str) -> Fault:
    """The port of a server that does not speak TLS."""
    return testing.Redirect(f"https://{urlsplit(made.upstream.url).netloc}/simple/")


def always(fault: Fault) -> Callable[[Scenario, str], Fault]:
    return lambda _scenario, _stage: fault


CLOSED = "127.0.0.1:1"
"""A port on which nobody listens."""
UNKNOWN = "x" * 64 + ".invalid"
"""A name that cannot be looked up: a label has at most 63 characters."""

TWO_LENGTHS = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"
TEXTS = frozenset({"list", "page"})

TOXICS: dict[str, Toxic] = {
    "not-found": Toxic(always(testing.Status(404))),
    "forbidden": Toxic(always(testing.Status(403))),
    "server-error": Toxic(always(testing.Status(503))),
    "too-many-seconds": Toxic(always(testing.Status(429, PATIENCE))),
    "too-many-date": Toxic(_in_two_minutes),
    "older": Toxic(_older, TEXTS, credible=frozenset({"list"})),
    "truncated": Toxic(always(testing.Cut(20))),
    "longer-than-said": Toxic(always(testing.WrongLength(-5))),
    "shorter-than-said": Toxic(always(testing.WrongLength(5))),
    "reset": Toxic(always(testing.Reset(10))),
    "closed-early": Toxic(always(testing.Raw(b""))),
    "wrong-bytes": Toxic(_wrong_bytes),
    "drip-head": Toxic(always(testing.DripHead(0.05)), silence=0.3),
    "drip": Toxic(always(testing.Drip(1, None, 0.02)), haste=150.0),
    "half-open": Toxic(always(testing.Stall(10)), silence=0.2),
    "endless": Toxic(always(testing.Endless())),
    "bomb": Toxic(always(testing.Bomb(300 << 20))),
    "unknown-host": Toxic(always(testing.Redirect(f"http://{UNKNOWN}/"))),
    "refused": Toxic(always(testing.Redirect(f"http://{CLOSED}/"))),
    "no-tls": Toxic(_to_tls),
    "redirect-loop": Toxic(always(testing.Redirect("?again"))),
    "foreign-host": Toxic(_elsewhere),
    "garbage": Toxic(always(testing.Raw(b"\x00\xff SSH-2.0-what\r\n\r\n" * 10))),
    "login-page": Toxic(always(testing.Body(b"<html><body><a href='/login'>Log in</a></body></html>", "text/html"))),
    "other-json": Toxic(_of_another),
    "empty": Toxic(always(testing.Body(b"", JSON))),
    "two-lengths": Toxic(
        always(testing.Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"))
    ),
    "huge-head": Toxic(always(testing.Headers({"X-Huge": "x" * (2 << 20)}))),
}
"""By name; what does not apply to a stage stands in ``NOT_APPLICABLE``."""

NOT_APPLICABLE = {
    "older": "files, core metadata and provenance do not change: there is no older state of them",
}


def cells() -> Iterator[tuple[str, str]]:
    """Every fault with every stage that it applies to."""
    for name, toxic in TOXICS.items():
        for stage in STAGES:
            if stage in toxic.stages:
                yield name, stage


def cell(made: Scenario, name: str, stage: str, often: str) -> list[str]:
    """One cell: spoil, run, look, heal, run, look. Returns every promise that did not hold."""
    toxic = TOXICS[name]
    with (
        pytest.MonkeyPatch.context() as patch,
        made.cell(**{"upstream.file-hosts": [CLOSED, UNKNOWN], "upstream.allow-http": True}) as mirror,
    ):
        if toxic.haste == 1.0:
            # The clock leaps by what one request waits, and others that are on their way would seem to be slow.
            patch.setattr(RateWatch, "is_too_slow", lambda *_: False)
        mirror.silence = toxic.silence
        timekeeper = Timekeeper(haste=toxic.haste)
        made.upstream.fault(STAGES[stage], toxic.make(made, stage), TIMES[often])
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        outcome = scenario.outcome_of(mirror, timekeeper)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown
        wrong = list(_after(made, mirror, stage, outcome))
        if outcome == "clean" and _lacks(made, mirror) and stage not in toxic.credible:
            wrong.append("it said that all is well, and something is missing")
        if grown > MAX_GROWTH:
            wrong.append(f"the process grew by {grown} KiB")
        if name.startswith("too-many") and sum(timekeeper.waits) < PATIENCE - 5:
            wrong.append(f"upstream asked for {PATIENCE} s, and was given {sum(timekeeper.waits)} s")
        why = "; ".join(one.reason for one in mirror.told if isinstance(one, events.FellBehind))
        made.upstream.clear_faults()
        wrong += _healed(made, mirror, outcome)
    return [f"{name} × {stage} × {often}, {outcome} ({why}): {one}" for one in wrong]


def _after(made: Scenario, mirror: Mirror, stage: str, outcome: str) -> Iterator[str]:
    """What has to hold whatever was spoilt."""
    yield from mirror.damage()
    yield from mirror.ahead()
    tree, asked = checker.tree(mirror.web), made.upstream.requests
    if not made.upstream.count(STAGES[stage]):
        yield "nobody asked for what was spoilt"
    if outcome != "clean" and tree == made.expected and stage != "list":
        yield "it said that something is wrong, and nothing is"
    if stage == "list" and outcome != "clean" and (gone := scenario.lost(mirror, made.before)):
        yield f"files were deleted in a run that knows too little: {gone}"
    if stage != "list":
        yield from _held_back(made, tree)
    if made.elsewhere.requests:
        made.elsewhere.reset()
        yield "a host was asked that may not be"
    if len(asked) > 60:
        yield f"upstream was asked {len(asked)} times"


def _lacks(made: Scenario, mirror: Mirror) -> bool:
    """Whether anything is missing that nobody was told of."""
    return checker.tree(mirror.web) != made.expected and not mirror.warnings()


def _held_back(made: Scenario, tree: dict[str, str]) -> Iterator[str]:
    """Other projects whose pages are not those of an undisturbed run."""
    other = re.compile(r"simple/(?!target/)[^/]+/")
    yield from (
        f"{key} was held back" for key, digest in made.expected.items() if other.match(key) and tree.get(key) != digest
    )


def _healed(made: Scenario, mirror: Mirror, outcome: str) -> Iterator[str]:
    """One run when upstream is well again."""
    timekeeper = Timekeeper()
    # What upstream says that it has and does not give is asked for again after a week, not in each run.
    again = mirror.run(later=A_WEEK if outcome == "clean" else SOON, timekeeper=timekeeper)
    if again.outcome != "clean":
        yield f"healed, the next run is {again.outcome}: {again.reason}"
    tree = checker.tree(mirror.web)
    if tree != made.expected:
        yield f"healed, the tree differs in {sorted(set(tree.items()) ^ set(made.expected.items()))[:3]}"
    yield from (f"healed: {one}" for one in mirror.damage())
    if list((mirror.directory / "state/partial").iterdir()):
        yield "healed, a partial download is left"

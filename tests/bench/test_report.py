"""The report, from a recorded result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench import report, results
from bench.results import Bar, Profile, Result, Row

RECORDED = Result(
    scenario="first-sync",
    title="First sync",
    about="Some projects.",
    rows=(
        Row("bandersnatch", tuple({"wall": wall, "peak": 60.0} for wall in (1.0, 3.0, 2.0)), "x -y"),
        Row("slower", ({"wall": 30.0, "requests": 12001.0},)),
    ),
    bars=(
        Bar("wall time of the slower", "bandersnatch", "wall", 0.1, "slower"),
        Bar("megabytes", "bandersnatch", "peak", 50),
        Bar("wall time of who was not asked", "bandersnatch", "wall", 2.0, "nobody"),
    ),
)


def test_round_trip(tmp_path: Path) -> None:
    """What is kept is what was measured, with when and where."""
    profile = Profile(7, (("one", 0.75), ("other", 0.25)))
    dated = results.dated(replace(RECORDED, profile=profile, remark="So."), "short", {"curl": "8.0"})
    results.save(dated, tmp_path)
    assert results.load(tmp_path / "first-sync.json") == dated
    assert dated.machine is not None
    assert {"cores", "memory", "system", "Python", "curl"} == set(dated.machine)


def test_rendering() -> None:
    """Medians with their spread, multiples of the base row, and whether each bar was reached."""
    page = report.render([results.dated(RECORDED, "short", {})]).splitlines()
    assert "| 3 runs | wall (s) | peak (MB) | requests | wall × |" in page
    assert "| **bandersnatch** | 2 (1–3) | 60 | – | 1.00 |" in page
    assert "| slower | 30 | – | 12,001 | 15.00 |" in page
    assert "| bandersnatch: wall time of the slower | 0.10 × | 0.067 × | yes |" in page
    assert "| bandersnatch: megabytes | 50 | 60 | **no** |" in page
    assert "| bandersnatch: wall time of who was not asked | 2 × | – | not measured |" in page
    assert "- bandersnatch: `x -y`" in page
    assert "    python -m bench first-sync --size short" in page


def test_nothing_is_made_up() -> None:
    """A page of no results has no figures but those of its own rules."""
    assert "| – |" not in report.render([])
    assert "##" not in report.render([])

"""What the suites count, and what the page says of it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from tests.faults.counting import Count

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("faults_report", ROOT / "tools" / "faults_report.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look themselves up there.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "faults_report", module)
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "report.jsonl"
    monkeypatch.setenv("FAULTS_REPORT", str(path))
    return path


@pytest.fixture
def page(tmp_path: Path, tool: ModuleType) -> Path:
    path = tmp_path / "proof.md"
    path.write_text(f"before\n{tool.BEGIN}\nold\n{tool.END}\nafter\n")
    return path


def test_lines_become_tables(report: Path, page: Path, tool: ModuleType, count: Count) -> None:
    """Rows of one area are one table, sums of what was counted, between the marks of the page."""
    count("disk: errnos", 3, errnos=2)
    count("disk: errnos", 4, errnos=1)
    count("disk: full", power_states=7)
    count("kills", 2, kills=1500)
    assert tool.main(report, page) == 0
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| disk | cells | errnos | power states | violations | seconds |" in text
    assert "| errnos | 7 | 3 |  | 0 | " in text
    assert "| full | 1 |  | 7 | 0 | " in text
    assert "| kills | 2 | 1,500 | 0 | " in text
    assert ": 10 cells, 0 violations" in text


def test_violations_write_nothing(report: Path, page: Path, tool: ModuleType, count: Count) -> None:
    """With a violation, or without a cell, the page stays as it was."""
    before = page.read_text()
    report.write_text("")
    assert tool.main(report, page) == 1
    count("disk: errnos", 3, violations=1)
    assert tool.main(report, page) == 1
    assert page.read_text() == before


def test_a_test_that_fails_is_a_violation(report: Path, page: Path, tool: ModuleType, tmp_path: Path) -> None:
    """Whatever it had counted by then: its name stands in the report, and the page stays as it was."""
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (tmp_path / "test_it.py").write_text("def test_well(): pass\ndef test_ill(): assert 1 == 2\n")
    arguments = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider", "."]
    done = subprocess.run(
        arguments, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert done.returncode == 1, done.stdout
    [line] = [json.loads(one) for one in report.read_text().splitlines()]
    assert (line["table"], line["violations"]) == ("failed tests", 1)
    assert line["test"].endswith("test_it.py::test_ill")
    assert tool.main(report, page) == 1


def test_nothing_is_kept_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Count) -> None:
    """Where no report is asked for, counting leaves no file."""
    monkeypatch.chdir(tmp_path)
    count("disk: errnos")
    assert list(tmp_path.iterdir()) == []


def test_the_page_can_be_written(tool: ModuleType) -> None:
    """The page in the repository has the marks between which a run writes."""
    text = tool.written(tool.PAGE.read_text("utf-8"), tool.tables({}, datetime(2026, 1, 2, tzinfo=UTC), "somewhere"))
    assert "2026-01-02, somewhere: 0 cells" in text


def test_each_line_is_whole(report: Path, count: Count) -> None:
    """A line has the table, the test, and what was counted."""
    count("kills", 2, 1, kills=5)
    line = json.loads(report.read_text())
    assert (line["table"], line["cells"], line["violations"], line["figures"]) == ("kills", 2, 1, {"kills": 5})
    assert line["test"].endswith("test_each_line_is_whole")

"""What nobody foresaw: a fault of the program has an exit code of its own, and whoever listens hears of it."""

from __future__ import annotations

import json

import pytest

from bandersnatch.testing import Status
from tests.cli.conftest import Program

BROKEN = """
import bandersnatch.{module} as module
def broken(*_, **__): raise KeyError("nowhere")
module.{name} = broken
"""


def break_in(program: Program, module: str, name: str) -> None:
    """Let every process from now on raise an error where *name* is called."""
    (program.home / "sitecustomize.py").write_text(BROKEN.format(module=module, name=name))
    program.environment["PYTHONPATH"] = str(program.home)


def mend(program: Program) -> None:
    (program.home / "sitecustomize.py").unlink()


def run(program: Program, *arguments: str) -> tuple[int, str, str]:
    process = program.start(*arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def configure(program: Program) -> None:
    told = 'echo $BANDERSNATCH_HOOK_OCCASIONS: $BANDERSNATCH_HOOK_OUTCOME $BANDERSNATCH_HOOK_REASON >>"$0"'
    command = json.dumps(["sh", "-c", told, str(program.home / "calls")])
    hook = f'[hooks.demo]\ncommand = {command}\non = ["failed", "recovered"]\n'
    program.configure(f'[select]\neverything = true\n[publish]\nfreshness-file = "fresh.json"\n{hook}')


@pytest.mark.parametrize(
    ("module", "name"),
    [("sync.engine", "detect"), ("sync.settle", "publish.project"), ("assemble.selection", "choose")],
)
def test_unexpected_error(program: Program, module: str, name: str) -> None:
    """It ends a run with 70, its place and a word to hooks; status and the freshness file do not call that clean."""
    configure(program)
    break_in(program, module, name)
    code, _, err = run(program, "mirror")
    assert code == 70
    assert "Traceback" in err
    assert "unexpected KeyError: 'nowhere'" in err
    assert "fault of bandersnatch" in err
    assert (program.home / "calls").read_text() == "failed: failed unexpected KeyError: 'nowhere'\n"
    mend(program)
    if module != "assemble.selection":  # nothing was opened there
        assert json.loads((program.directory / "web/fresh.json").read_text())["outcome"] == "failed"
        status = program.run("status")
        assert status.returncode == 1
        assert "failed: unexpected KeyError" in status.stdout
        assert program.run("mirror").returncode == 0
        assert (program.home / "calls").read_text().endswith("recovered: clean\n")
        assert program.run("status").returncode == 0


def test_unexpected_error_of_another_command(program: Program) -> None:
    """Any command ends so."""
    configure(program)
    program.run("mirror")
    break_in(program, "assemble", "catalogue_to_read")
    code, out, err = run(program, "status", "--json")
    assert (code, out) == (70, "")
    assert "unexpected KeyError" in err


def test_status_knows_what_the_run_knew(program: Program) -> None:
    """A run that was refused, or could not reach upstream, is no clean state, though no project is behind."""
    configure(program)
    assert program.run("mirror").returncode == 0
    program.upstream.fault("/simple/*", Status(503), times=None)
    assert program.run("mirror", "--verbose").returncode == 1
    status = program.run("status")
    assert status.returncode == 1
    assert "unreachable: upstream could not be asked what changed" in status.stdout
    facts = json.loads(program.run("status", "--json").stdout)
    assert (facts["outcome"], facts["behind"]) == ("unreachable", [])
    assert "could not be asked" in facts["reason"]
    program.upstream.clear_faults()
    assert program.run("mirror").returncode == 0
    facts = json.loads(program.run("status", "--json").stdout)
    assert (facts["outcome"], facts["reason"]) == ("clean", None)


def test_what_an_operator_has_to_mend(program: Program) -> None:
    """A run that ends since upstream has no list to mirror everything of is not clean, and no longer under way."""
    program.upstream.fault("/*", Status(404), times=None)
    configure(program)
    code, _, told = run(program, "mirror")
    assert (code, told.count("has no list of projects")) == (2, 1)
    code, said, _ = run(program, "status")
    assert (code, "has no list of projects" in said, "under way" in said) == (1, True, False)
    program.upstream.clear_faults()
    assert [run(program, command)[0] for command in ("mirror", "status")] == [0, 0]

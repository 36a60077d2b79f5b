"""A run that is killed leaves its changes to the hooks of the next one."""

from __future__ import annotations

import json
import time

from bandersnatch.testing import Drip
from tests.cli.conftest import Program, program

__all__ = ["program"]


def test_killed(program: Program) -> None:
    """What a killed run published is told after the next run, with what that one brought."""
    script = program.home / "hook"
    script.write_text('cat "$BANDERSNATCH_HOOK_CHANGED" >"$0.out"\n')
    program.configure(
        "[select]\neverything = true\n"
        f'[hooks.demo]\non = ["changed"]\nlist = "keys"\ncommand = ["sh", {json.dumps(str(script))}]\n'
    )
    program.upstream.index.upload("slow", "1.0", padding=2_000_000)
    program.upstream.fault("/packages/*slow*", Drip(100, None, 0.05), times=1)
    process = program.start("mirror")
    deadline = time.monotonic() + 30
    while not list(program.directory.glob("web/simple/gamma/index.v1_json")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert not (program.home / "hook.out").exists()
    assert program.run("mirror").returncode == 0
    told = (program.home / "hook.out").read_text().splitlines()
    there = {str(path.relative_to(program.directory / "web")) for path in program.directory.glob("web/**/*.whl")}
    assert len(there) == 7
    assert there <= set(told)
    assert {f"simple/{name}/index.v1_json" for name in ("alpha", "beta", "gamma", "slow")} <= set(told)

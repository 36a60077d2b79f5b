"""
The page on cron and systemd, followed by root on a machine that is for nothing else.

    tools/fresh-machine trixie root 'make .venv/.dev && .venv/bin/python -m tests.docs.service'
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bandersnatch.testing import UpstreamServer
from tests.docs.markdown import ROOT, blocks

PAGE = ROOT / "docs/how-to/cron-and-systemd.md"
CONFIGURATION = Path("/etc/bandersnatch.conf")
WEB = Path("/srv/pypi/web")
CRON = {"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "HOME": "/srv/pypi", "LOGNAME": "mirror"}


def follow(*commands: str) -> str:
    """What root's *commands* print, in one shell, the one after the other; the first that fails ends it."""
    script = "\n".join(("set -e", *commands))
    done = subprocess.run(["sh", "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def as_user(user: str, *command: str, environment: dict[str, str]) -> str:
    """What *command* prints on both channels, run by *user* with nothing but *environment*."""
    called = ["/usr/sbin/runuser", "-u", user, "--", *command]
    return subprocess.run(
        called, env=environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
    ).stdout


def main() -> None:
    """Install, run, and read as cron, systemd and a web server would."""
    assert os.environ.get("FRESH_MACHINE"), "it makes users and writes to /etc, /opt and /srv"
    typed = [block for block in blocks(PAGE, "console") if block.not_run == "needs root, and makes a user"]
    install, first = ([command for command, _ in block.steps] for block in typed)
    follow(*install)
    with UpstreamServer() as upstream:
        for version in ("1.16.0", "1.17.0"):
            upstream.index.upload("six", version)
        text = CONFIGURATION.read_text("utf-8")
        for key, value in (("projects", '["six"]'), ("upstream", f'"{upstream.url}"'), ("reserve", '"0"')):
            line = next(one for one in text.splitlines() if one.startswith(f"#{key} = "))
            text = text.replace(f"{line}\n", f"{key} = {value}\n", 1)
        CONFIGURATION.write_text(text, "utf-8")
        assert "1 project refreshed" in follow(*first)
        upstream.index.upload("six", "1.18.0")
        [line] = [text.splitlines()[-1] for text in (one.text for one in blocks(PAGE, "crontab")) if "MAILTO" in text]
        user, command = line.split(None, 6)[5:]
        printed = as_user(user, "/bin/sh", "-c", command, environment=CRON)
        assert printed == "", f"cron would mail: {printed}"
    service = next(block.text for block in blocks(PAGE, "systemd") if "ExecStart=" in block.text)
    program = service.split("ExecStart=")[1].split()[0]
    assert as_user("mirror", program, "--version", environment={}).startswith("bandersnatch")
    assert "six-1.18.0" in as_user("nobody", "cat", str(WEB / "simple/six/index.html"), environment=CRON)
    for path in (WEB / "packages").rglob("*.whl"):
        as_user("nobody", "sha256sum", str(path), environment=CRON)
    print("the page works as it is written")  # noqa: T201  # a program of its own


if __name__ == "__main__":
    main()

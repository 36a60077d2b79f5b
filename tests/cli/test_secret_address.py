"""A token in upstream's address is shown by no command and written to no log, whatever goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

from bandersnatch.testing import Body, Fault, Redirect, Status
from tests.cli.conftest import Program

TOKEN = "s3cret-t0ken"
JSON = "application/vnd.pypi.simple.v1+json"
NAMES = ("missing", "broken", "not-json", "not-html", "away", "nowhere", "bad-file", "good")
CONFIGURATION = """
[upstream]
tries = 1
changelog-url = "{url}/{token}/pypi"
changes = "changelog"
[select]
everything = true
[log]
level = "debug"
file = "{home}/log"
file-level = "debug"
[publish]
freshness-file = "freshness.json"
[hooks.told]
on = ["behind", "changed", "unreachable"]
command = ["sh", "-c", "cat >>{home}/told"]
"""


def page(name: str, *urls: str) -> Body:
    files = [{"filename": Path(url).name, "url": url, "hashes": {"sha256": "0" * 64}} for url in urls]
    return Body(json.dumps({"meta": {}, "name": name, "files": files}).encode(), JSON)


def test_a_token_in_the_address_is_shown_nowhere(program: Program) -> None:
    """Errors, logs, events, hooks, the configuration in force and the state of the mirror all show *** in its place."""
    upstream, base = program.upstream, f"/{TOKEN}/simple/"
    program.configure(CONFIGURATION.format(home=program.home, url=upstream.url, token=TOKEN))
    program.environment["BANDERSNATCH_MIRROR_UPSTREAM"] = f"{upstream.url}/{TOKEN}"
    listing = json.dumps({"meta": {}, "projects": [{"name": name, "_last-serial": 1} for name in NAMES]}).encode()
    answers: dict[str, Fault] = {
        "": Body(listing, JSON),
        "missing/": Status(404),
        "broken/": Status(500),
        "not-json/": Body(b"{", JSON),
        "not-html/": Body(b"<p>hello", "text/html"),
        "away/": Redirect(f"http://localhost:1/{TOKEN}/"),
        "nowhere/": Redirect("ftp://x/"),
        "bad-file/": page("bad-file", f"{upstream.url}/{TOKEN}/bad_file-1.0.zip", f"http://h/{TOKEN}/bad_file-2.0.zip"),
        "good/": page("good"),
    }
    for path, answer in answers.items():
        upstream.fault(base + path, answer, times=None)
    said = []
    for arguments in (
        ("mirror", "-v"), ("mirror", "--json", "--full"), ("status",), ("status", "--json"), ("config", "show"),
        ("config", "show", "--json"), ("config", "check"), ("plan", "--json"), ("plan",), ("why", "bad-file"),
        ("why", "not-json", "--json"), ("verify",), ("audit",),
    ):  # fmt: skip
        ended = program.run(*arguments)
        said += [(arguments, line) for line in (ended.stdout + ended.stderr).splitlines()]
    upstream.clear_faults()
    upstream.fault(base, Status(500), times=None)
    ended = program.run("mirror", "--full")
    said += [(("away",), line) for line in (ended.stdout + ended.stderr).splitlines()]
    for name in ("log", "told", "mirror/web/freshness.json"):
        said += [((name,), line) for line in (program.home / name).read_text().splitlines()]
    assert [(where, line) for where, line in said if TOKEN in line] == []
    shown = "\n".join(line for _, line in said)
    assert f"{upstream.url}/***" in shown
    assert all(name in shown for name in NAMES)

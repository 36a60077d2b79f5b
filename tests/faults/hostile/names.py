"""Hostile names of projects, in upstream's list; whoever asks for their pages gets one with a file."""

from __future__ import annotations

import json
from collections.abc import Callable

from bandersnatch.testing import Body
from tests.faults.hostile.rows import Row
from tests.faults.hostile.scene import Scene

NAMES: dict[str, str] = {
    "absolute": "{canary}/simple/bad",
    "parent": "../../../canary/home",
    "dots": "..",
    "dot": ".",
    "empty": "",
    "slash": "bad/../../canary",
    "backslash": "..\\canary",
    "encoded": "..%2f..%2fcanary",
    "nul": "bad\0.html",
    "line-feed": "bad\nevil",
    "trailing-line-feed": "evil\n",
    "trailing-dot": "evil.",
    "leading-dash": "-rf",
    "cyrillic": "g\u043e\u043ed",
    "folds-to-ascii": "\u212aelvin",
    "300-bytes": "a" * 300,
    "script": "<script>alert(1)</script>",
    "terminal": "evil\x1b[2J\x1b]0;owned\x07",
    "right-to-left": "evil\u202eexe",
    "line-separator": "evil\u2028",
    "drive": "C:evil",
    "tilde": "~root",
    "variable": "$HOME",
}


def _listed(name: str) -> Callable[[Scene], None]:
    def arrange(scene: Scene) -> None:
        spelled = name.format(canary=scene.canary) if "{" in name else name
        scene.lists({"name": spelled, "_last-serial": scene.upstream.index.serial})
        page = {"meta": {"api-version": "1.1"}, "name": spelled, "files": [scene.entry()]}
        for glob in ("/simple/*evil*", "/simple/*canary*", "/simple/*2e*", "/simple/-rf*", "/simple/~*", "/simple/$*"):
            scene.always(glob, Body(json.dumps(page).encode()))

    return arrange


def _clash(scene: Scene) -> None:
    """The same project in two spellings: one folder, one page."""
    scene.lists({"name": "GOOD", "_last-serial": scene.upstream.index.serial - 2})


ROWS = (
    *(Row(f"names:{name}", _listed(spelled), "ignored") for name, spelled in NAMES.items()),
    Row("names:two-spellings", _clash, "ignored"),
    # Half a character is no JSON to us: the list is not believed at all, as any other that is broken.
    Row(
        "names:half-a-character",
        lambda s: s.lists({"name": "evil\ud800"}),
        "run",
        "truncated|malformed",
        ("unreachable",),
    ),
)

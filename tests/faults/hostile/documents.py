"""Hostile pages and lists: JSON of every shape but the right one, HTML, and what wants to become part of our pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bandersnatch.simple import HTML
from bandersnatch.testing import Body, Bomb
from tests.faults.hostile.rows import Row
from tests.faults.hostile.scene import GONE, Scene

Arrange = Callable[[Scene], object]
SCRIPT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
UNLISTED = "is not a list of projects"
UNREADABLE = ("unreachable",)


def entry(**changed: Any) -> Arrange:
    """The page lists the new file with facts *changed*."""
    return lambda scene: scene.page(scene.entry(**changed))


def page(**changed: Any) -> Arrange:
    """The page is right but for these keys."""
    return lambda scene: scene.page(scene.entry(), **changed)


def body(text: bytes | str) -> Arrange:
    """The page is *text*."""
    return lambda scene: scene.says(text.encode() if isinstance(text, str) else text)


def listing(text: bytes) -> Arrange:
    """The list of projects is *text*."""
    return lambda scene: scene.always("/simple/", Body(text))


def literal(before: str, after: str) -> Arrange:
    """What no JSON library writes: the right page with a piece of its text replaced."""

    def arrange(scene: Scene) -> None:
        said = {"meta": {"api-version": "1.1"}, "name": "bad", "files": [scene.entry(scene.first), scene.entry()]}
        text = json.dumps(said)
        assert before in text
        head, _, tail = text.rpartition(before)
        scene.says(f"{head}{after}{tail}".encode())

    return arrange


def many_entries(scene: Scene) -> None:
    """A page with a quarter of a million files, each with a name of its own, and too large for any real project."""
    files = b",".join(b'{"filename":"x-%d.tar.gz","url":"x","hashes":{}}' % number for number in range(250_000))
    text = b'{"meta":{"api-version":"1.1"},"name":"bad","files":[' + files + b"]}" + b" " * (64 << 20)
    scene.says(text)


def html(text: str) -> Arrange:
    """The page in HTML."""
    return lambda scene: scene.says(text.encode(), content_type=HTML)


def html_of(scene: Scene) -> None:
    """A page in HTML that is full of scripts, and lists the new file."""
    first, new = (
        f'<a href="{scene.upstream.url_of(file)}#sha256={file.sha256}" onclick="alert(1)"'
        f' data-requires-python="&quot;&gt;&lt;script&gt;">{file.filename}<script>alert(1)</script></a>'
        for file in (scene.first, scene.new)
    )
    scene.says(f"<html><title>Links for bad</title><body><script>x</script>{first}{new}</body></html>".encode(),
               content_type=HTML)  # fmt: skip


ROWS = (
    Row("json:list-for-dict", body("[]"), "behind", "not a project page in JSON"),
    Row("json:null", body("null"), "behind", "not a project page in JSON"),
    Row("json:empty", body(""), "behind", "not a project page in JSON"),
    Row("json:cut-off", body('{"name": "bad", "files": ['), "behind", "not a project page in JSON"),
    Row("json:files-null", page(files=None), "behind", "not a project page in JSON"),
    Row("json:files-dict", page(files={}), "behind", "not a project page in JSON"),
    Row("json:no-files", page(files=GONE), "behind", "not a project page in JSON"),
    Row("json:another-project", page(name="good"), "behind", "the page of 'good', not of bad"),
    Row("json:another-name", page(name="../good"), "behind", "not of bad"),
    Row("json:deep", body('{"name":' + "[" * 200_000), "behind", "not a project page in JSON"),
    Row("json:deep-in-a-file", entry(yanked=GONE, x=json.loads("[" * 900 + "]" * 900)), "taken"),
    Row("json:not-utf-8", body(b'{"name": "b\xff\xfe"}'), "behind", "not a project page in JSON"),
    Row("json:utf-16", body('{"name": "bad"}'.encode("utf-16")), "behind", "not a project page in JSON"),
    Row("json:half-a-character", entry(yanked="\ud800"), "behind", "not a project page in JSON"),
    Row("json:nan", literal('"size": ', '"size": NaN, "x": '), "behind", "not a project page in JSON"),
    Row("json:duplicate-keys", literal('"name": "bad"', '"name": "evil", "name": "bad"'), "taken"),
    Row("json:version-2", page(meta={"api-version": "2.0"}), "behind", "newer than this program understands"),
    Row("json:version-odd", page(meta={"api-version": "1.x"}), "behind", "is not an API version"),
    Row("json:serial-2-63", page(meta={"_last-serial": 2**63}), "behind", "is not a serial"),
    Row("json:serial-negative", page(meta={"_last-serial": -1}), "behind", "is not a serial"),
    Row("json:serial-float", page(meta={"_last-serial": 1e300}), "behind", "is not a serial"),
    Row("json:serial-older", page(meta={"_last-serial": 1}), "behind", "a cache lags behind"),
    Row("json:size-null", entry(size=None), "taken"),
    Row("json:size-negative", entry(size=-1), "skipped", "not possible"),
    Row("json:size-2-70", entry(size=2**70), "skipped", "malformed|not possible"),
    Row("json:size-text", entry(size="12"), "taken"),
    Row("json:no-hash", entry(hashes={}), "taken"),
    Row("json:md5-only", entry(hashes={"md5": "0" * 32}), "partial", "its MD5 is"),
    Row("json:hash-a-path", entry(hashes={"sha256": "../../../../canary"}), "skipped", "malformed SHA-256"),
    Row("json:hash-number", entry(hashes={"sha256": 12}), "skipped", "SHA-256"),
    Row("json:hash-too-short", entry(hashes={"sha256": "ab"}), "skipped", "malformed SHA-256"),
    Row("json:filename-path", entry(filename="../../../../canary/bad-2.0.whl"), "skipped", "not a usable file name"),
    Row("json:filename-inner-path", entry(filename="x/../../bad-2.0.whl"), "skipped", "not a usable file name"),
    Row("json:filename-absolute", entry(filename="/etc/passwd"), "skipped", "not a usable file name"),
    Row("json:filename-script", entry(filename=f"{SCRIPT}.whl"), "skipped", "not a usable file name"),
    Row("json:filename-nul", entry(filename="bad-2.0.whl\0.exe"), "skipped", "not a usable file name"),
    Row("json:filename-300-bytes", entry(filename="b" * 296 + ".whl"), "skipped", "not a usable file name"),
    Row("json:filename-terminal", entry(filename="bad-2.0\x1b[2J.whl"), "skipped", "not a usable file name"),
    Row("json:filename-twice", lambda s: s.page(s.entry(), s.entry(hashes={"sha256": "0" * 64})), "taken"),
    Row("json:yanked-script", entry(yanked=SCRIPT), "taken"),
    Row("json:requires-python-script", entry(requires_python=SCRIPT), "taken"),
    Row("json:status-script", page(project_status={"status": SCRIPT, "reason": SCRIPT}), "taken"),
    Row("json:tracks-script", page(meta={"tracks": ["javascript:alert(1)", f"https://x/{SCRIPT}"]}), "taken"),
    Row("json:provenance-script", entry(provenance=f"javascript:{SCRIPT}"), "taken"),
    Row("json:versions-script", page(versions=["1.0", "2.0", SCRIPT]), "taken"),
    Row("json:upload-time-script", entry(upload_time=SCRIPT), "taken"),
    Row("json:many-files", many_entries, "behind", "longer than"),
    Row("json:bomb", lambda s: s.always("/simple/bad/", Bomb(512 << 20)), "behind", "longer than"),
    Row("json:html-script", html_of, "taken"),
    Row(
        "json:html-endless-tag",
        html("<html><body><a href='" + "x" * 200_000),
        "behind",
        "a tag or comment of more than",
    ),
    Row("json:html-not-an-index", html("<html><body>Log in to go on</body></html>"), "behind", "not a project page"),
    Row("json:list-bomb", lambda s: s.always("/simple/", Bomb(1 << 30)), "run", "longer than|not projects", UNREADABLE),
    Row("json:list-null", listing(b"null"), "run", UNLISTED, UNREADABLE),
    Row("json:list-cut-off", listing(b'{"projects": [{"name": "good"}'), "run", UNLISTED, UNREADABLE),
    Row("json:list-deep", listing(b'{"projects": ' + b"[" * 300_000), "run", UNLISTED, UNREADABLE),
    Row("json:list-empty", listing(b'{"meta": {}, "projects": []}'), "held"),
    Row("json:list-long-name", listing(b'{"projects": [{"name": "' + b"a" * 300_000), "run", UNLISTED, UNREADABLE),
)

"""Hostile URLs: of a file, of what belongs to it, and where redirects lead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bandersnatch.testing import Body, Redirect
from tests.faults.hostile.rows import Row
from tests.faults.hostile.scene import Scene

Arrange = Callable[[Scene], object]


def at(url: str, **changed: Any) -> Arrange:
    """The new file is said to be at *url*; ``{…}`` are the servers and their ports."""

    def arrange(scene: Scene) -> None:
        port, evil = scene.upstream.url.rpartition(":")[2], scene.evil.url.rpartition(":")[2]
        where = url.format(own=scene.upstream.url, evil=scene.evil.url, port=port, evilport=evil, path=scene.new.path)
        scene.page(scene.entry(url=where, **changed))

    return arrange


def served_at(url: str, glob: str) -> Arrange:
    """The same, and the file's bytes are had there."""

    def arrange(scene: Scene) -> None:
        at(url)(scene)
        scene.always(glob, Body(scene.new.content, "application/zip"))

    return arrange


def redirected(to: str, glob: str = "/packages/*/bad-2.0*.whl") -> Arrange:
    """Whoever asks for *glob* is sent away."""

    def arrange(scene: Scene) -> None:
        scene.always(glob, Redirect(to.format(own=scene.upstream.url, evil=scene.evil.url)))

    return arrange


def hops(count: int) -> Arrange:
    """The file is *count* redirects away."""

    def arrange(scene: Scene) -> None:
        for number in range(1, count):
            scene.always(f"/hop/{number}", Redirect(f"/hop/{number + 1}"))
        scene.always(f"/hop/{count}", Body(scene.new.content, "application/zip"))
        scene.always("/packages/*/bad-2.0*.whl", Redirect("/hop/1"))

    return arrange


def of_another_digest(scene: Scene) -> None:
    """A path whose digits are those of another file: its content would change under a name that never changes."""
    digits = scene.first.path.rpartition("/")[0]
    scene.always("/packages/*/bad-2.0*.whl", Body(scene.new.content, "application/zip"))
    scene.page(scene.entry(url=f"{scene.upstream.url}{digits}/{scene.new.filename}"))


NOT_OURS = r"not a host of this upstream; \[upstream\] file-hosts"
NOT_THE_INDEX = r"a page comes from the index itself; \[upstream\] page-hosts"

ROWS = (
    # A key is made of digests, so it does not matter what the path says as long as the host is upstream's.
    Row("urls:encoded-dots", served_at("{own}/packages/..%2f..%2f..%2fcanary/home/x", "/packages/*canary*"), "taken"),
    Row("urls:encoded-slashes", served_at("{own}/%2F..%2F..%2Fcanary/x", "/%2F*canary*"), "taken"),
    Row("urls:plain-dots", served_at("../../../canary/home/x", "/canary/*"), "taken"),
    Row("urls:double-encoded", served_at("{own}/%252e%252e/canary", "/%252e*"), "taken"),
    Row("urls:digits-of-another", of_another_digest, "partial", "BLAKE2b-256"),
    Row("urls:other-host", at("{evil}{path}"), "partial", NOT_OURS),
    Row("urls:no-scheme", at("//127.0.0.1:{evilport}{path}"), "partial", NOT_OURS),
    Row("urls:private-address", at("http://169.254.169.254/latest/meta-data/"), "partial", "plain http"),
    Row("urls:private-address-tls", at("https://10.0.0.1/x"), "partial", NOT_OURS),
    Row("urls:own-host-other-port", at("http://127.0.0.1:{evilport}/x"), "partial", NOT_OURS),
    Row("urls:number-of-a-host", at("http://2130706433:{evilport}/x"), "partial", "not an address in its usual form"),
    Row("urls:hexadecimal-host", at("http://0x7f.1:{evilport}/x"), "partial", "not an address in its usual form"),
    Row("urls:mapped-address", at("http://[::ffff:127.0.0.1]:{evilport}/x"), "partial", NOT_OURS),
    Row("urls:dot-after-host", at("http://localhost.:{evilport}/x"), "partial", "cannot be read|plain http"),
    Row("urls:unicode-host", at("https://\u24df\u24de\u24de\u24db.example/x"), "partial", "cannot be read|not a host"),
    Row("urls:userinfo", at("http://127.0.0.1:{port}@127.0.0.1:{evilport}/x"), "partial", "credentials in the URL"),
    Row("urls:backslash", at("http:\\\\127.0.0.1:{evilport}\\x"), "partial", "not found"),
    Row("urls:backslash-host", at("http://127.0.0.1:{evilport}\\@127.0.0.1:{port}/x"), "partial", "not an absolute"),
    Row("urls:file", at("file:///etc/passwd"), "skipped", "scheme 'file' is not allowed"),
    Row("urls:file-in-capitals", at("FILE:///etc/passwd"), "skipped", "scheme 'file' is not allowed"),
    Row("urls:script", at("javascript:alert(1)"), "skipped", "scheme 'javascript' is not allowed"),
    Row("urls:data", at("data:text/html,<script>alert(1)</script>"), "skipped", "scheme 'data' is not allowed"),
    Row("urls:port-too-high", at("http://127.0.0.1:99999/x"), "skipped", "unusable URL"),
    Row("urls:line-break", served_at("{own}/x\r\nX-Evil: 1\r\n\r\n", "/x*"), "taken"),
    Row("urls:encoded-line-break", served_at("{own}/x%0d%0aX-Evil:%201", "/x*"), "taken"),
    Row("urls:nul", served_at("{own}/x%00.whl", "/x*"), "taken"),
    Row("urls:100-kB", at("{own}/" + "x" * 100_000), "partial", ""),
    Row("urls:redirect-to-other-host", redirected("{evil}/x"), "partial", NOT_OURS),
    Row("urls:redirect-without-scheme", redirected("//169.254.169.254/x"), "partial", "plain http|not a host"),
    Row("urls:redirect-to-file", redirected("file:///etc/passwd"), "partial", "redirects to nowhere"),
    Row("urls:redirect-to-script", redirected("javascript:alert(1)"), "partial", "redirects to nowhere"),
    Row("urls:redirect-of-a-page", redirected("{evil}/simple/bad/", "/simple/bad/"), "behind", NOT_THE_INDEX),
    Row(
        "urls:redirect-of-the-list",
        redirected("{evil}/simple/", "/simple/"),
        "run",
        NOT_THE_INDEX,
        ("unreachable", "behind"),
    ),
    Row("urls:redirect-for-ever", redirected("/packages/x/bad-2.0.whl"), "partial", "more than 3 redirects"),
    Row("urls:three-hops", hops(3), "taken"),
    Row("urls:four-hops", hops(4), "partial", "more than 3 redirects"),
)

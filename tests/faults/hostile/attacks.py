"""Attacks on what is mirrored: endless, swapped, older, planted, and archives that are more than they seem."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable

from bandersnatch.testing import Body, Bomb, Corrupt, Endless, Redirect
from tests.faults.hostile.rows import Row
from tests.faults.hostile.scene import Scene

Arrange = Callable[[Scene], object]
FILE = "/packages/*/bad-2.0*.whl"
METADATA = "/packages/*/bad-2.0*.whl.metadata"


def whole_file(content: Callable[[Scene], bytes]) -> Arrange:
    """The new file has other bytes, and the page says the same of them."""

    def arrange(scene: Scene) -> None:
        data = content(scene)
        scene.always(FILE, Body(data, "application/zip"))
        digest = hashlib.sha256(data).hexdigest()
        scene.page(
            scene.entry(
                hashes={"sha256": digest}, size=len(data), url=f"{scene.upstream.url}/{FILE[1:]}", core_metadata=True
            )
        )

    return arrange


def wheel(*members: tuple[str, bytes]) -> bytes:
    """A wheel with these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


def _bomb_wheel(scene: Scene) -> bytes:
    return wheel(("bad-2.0.dist-info/METADATA", bytes(300 << 20)))


def _climbing_wheel(scene: Scene) -> bytes:
    return wheel(
        ("../../../canary/home/x", b"evil"),
        (f"{scene.canary}/x", b"evil"),
        ("bad-2.0.dist-info/METADATA", b"Name: bad\n"),
    )


def _crowded_wheel(scene: Scene) -> bytes:
    return wheel(*((f"{number}", b"") for number in range(30_000)), ("bad-2.0.dist-info/METADATA", b"Name: bad\n"))


def _two_metadata(scene: Scene) -> bytes:
    return wheel(("bad-2.0.dist-info/METADATA", b"Name: bad\n"), ("evil-2.0.dist-info/METADATA", b"Name: evil\n"))


def linked(place: str, *, file: bool = False) -> Arrange:
    """Somebody planted a symbolic link below ``web/``, out of the mirror, where something is to be written."""

    def arrange(scene: Scene) -> None:
        key = scene.new.path.lstrip("/")
        where = scene.world.web / place.format(folder=key.rpartition("/")[0], file=key, top=key[:11])
        where.parent.mkdir(parents=True, exist_ok=True)
        if where.is_dir():
            where.rename(scene.world.directory / "moved")
        where.unlink(missing_ok=True)
        where.symlink_to(scene.canary / ("home/index.html" if file else "packages"))

    return arrange


def older_page(scene: Scene) -> None:
    """The page of before, with its own serial, though the list promises a newer one."""
    scene.page(meta={"api-version": "1.1", "_last-serial": 3})


def far_serial(scene: Scene) -> None:
    """The list says that the serial is a million million: a mirror that believed it would never ask again."""
    scene.lists(meta={"api-version": "1.1", "_last-serial": 10**12})


def absurd_serial(scene: Scene) -> None:
    """A project's serial in the list does not fit 64 bits."""
    scene.lists({"name": "bad", "_last-serial": 2**63})


def same_name_other_bytes(scene: Scene) -> None:
    """The first file has other bytes at its old path: the digits of the path are not those of the bytes."""
    data = b"other bytes"
    scene.always("/packages/*/bad-1.0*.whl", Body(data, "application/zip"))
    other = scene.entry(scene.first, hashes={"sha256": hashlib.sha256(data).hexdigest()}, size=len(data))
    scene.page(files=[other, scene.entry()])


def bomb_behind_redirect(scene: Scene) -> None:
    """A redirect whose own body is a bomb: it is not for reading."""
    scene.always("/elsewhere", Body(scene.new.content, "application/zip"))
    scene.always(
        FILE,
        Body(b"\x1f\x8b" + bytes(60_000), "text/html", {"Location": "/elsewhere", "Content-Encoding": "gzip"}, 302),
    )


ROWS = (
    Row(
        "attacks:endless-file",
        lambda s: s.always(FILE, Endless()),
        "partial",
        "more than the .* bytes that were promised",
    ),
    Row("attacks:endless-file-declared", lambda s: s.always(FILE, Endless(1 << 40)), "partial", "promised|bytes"),
    Row(
        "attacks:endless-page",
        lambda s: s.always("/simple/bad/", Endless()),
        "behind",
        "longer than|not a project page|not gzip",
    ),
    Row(
        "attacks:endless-list",
        lambda s: s.always("/simple/", Endless()),
        "run",
        "not projects|not a list|not gzip",
        ("unreachable",),
    ),
    Row("attacks:endless-metadata", lambda s: s.always(METADATA, Endless()), "taken"),
    Row("attacks:metadata-bomb", lambda s: s.always(METADATA, Bomb(1 << 30)), "taken"),
    Row("attacks:wrong-bytes", lambda s: s.always(FILE, Corrupt()), "partial", "its SHA-256 is"),
    Row("attacks:same-path-other-bytes", same_name_other_bytes, "partial", "BLAKE2b-256", listed=(2,)),
    Row("attacks:wheel-bomb", whole_file(_bomb_wheel), "taken"),
    Row("attacks:wheel-climbs", whole_file(_climbing_wheel), "taken"),
    Row("attacks:wheel-crowded", whole_file(_crowded_wheel), "taken"),
    Row("attacks:wheel-of-two", whole_file(_two_metadata), "taken"),
    Row("attacks:wheel-no-zip", whole_file(lambda scene: b"PK\x05\x06" + b"\xff" * 60), "taken"),
    Row("attacks:bomb-behind-redirect", bomb_behind_redirect, "taken"),
    Row("attacks:redirect-of-metadata", lambda s: s.always(METADATA, Redirect(f"{s.evil.url}/x")), "taken"),
    Row("attacks:planted-link", linked("{folder}"), "partial", "symbolic link|Not a directory|link"),
    Row("attacks:planted-link-above", linked("{top}"), "partial", "symbolic link|Not a directory|link"),
    Row("attacks:planted-link-file", linked("{file}", file=True), "taken"),
    Row("attacks:planted-link-page", linked("simple/bad/index.html", file=True), "taken"),
    Row("attacks:older-page", older_page, "behind", "a cache lags behind"),
    Row("attacks:far-serial", far_serial, "taken"),
    Row("attacks:absurd-serial", absurd_serial, "taken"),
)

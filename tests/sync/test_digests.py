"""Files of which upstream states another digest than SHA-256, or none: taken, checked, and never silently others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from bandersnatch import assemble
from bandersnatch.sync import events
from bandersnatch.testing import Behaviour, Body, Corrupt, Cut, Headers
from tests.sync.conftest import World, journal, objects
from tests.sync.test_crash import Dying, lived

PLAIN = Behaviour(flat_files=True, serials="none", changelog=False, core_metadata=False, legacy_json="none")
"""An index that keeps its files in a folder."""

ALGORITHMS = ("md5", "sha1", "sha224", "sha384", "sha512", "sha3_256", "blake2b", "blake2s")
WHEEL = "alpha-1.0-py3-none-any.whl"


def behave(world: World, *hashes: str, html: bool = False, **more: object) -> None:
    """Let upstream state these digests from now on."""
    behaviour = replace(PLAIN, hashes=hashes, page_format="html" if html else "both", **more)  # type: ignore[arg-type]  # it is what upstream has
    world.upstream.behaviour = behaviour


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("html", [False, True], ids=["json", "html"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_any_digest(world: World, algorithm: str, html: bool) -> None:
    """Any digest of hashlib will do: the file is checked by it, and our pages state the SHA-256 that it has."""
    good = world.index.upload("alpha", "1.0")
    world.index.upload("beta", "1.0")
    behave(world, algorithm, html=html)
    world.upstream.fault("/files/beta-*", Corrupt(), times=None)
    finished = world.run("alpha", "beta")
    assert finished.outcome == "behind"
    [entry] = world.page("alpha")["files"]
    assert entry["hashes"] == {"sha256": good.sha256}
    assert not (world.web / "simple/beta").exists()
    [told] = world.of(events.FellBehind)
    assert (told.project, "promised was" in told.reason) == ("beta", True)
    world.check()


@pytest.mark.parametrize("html", [False, True], ids=["json", "html"])
def test_no_digest(world: World, html: bool) -> None:
    """A file without any digest is taken, its size checked where that is stated; the next run has nothing to do."""
    world.index.upload("alpha", "1.0")
    world.index.upload("alpha", "2.0", kind="sdist")
    behave(world, html=html)
    assert world.run("alpha").outcome == "clean"
    assert len(world.filenames("alpha")) == 2
    world.check()
    before = world.tree()
    assert world.run("alpha").outcome == "clean"
    assert world.run("alpha", full=True).outcome == "clean"
    assert world.tree() == before


def test_wrong_size(world: World) -> None:
    """Where only the size is stated, a file that has another one is not taken."""
    world.index.upload("alpha", "1.0")
    behave(world)
    world.upstream.fault("/files/*", Body(b"another page in its place"), times=None)
    assert world.run("alpha").outcome == "behind"
    assert not objects(world)


@pytest.mark.parametrize("before", [("sha256",), ("md5",), (), ("sha512", "md5")], ids=str)
@pytest.mark.parametrize("after", [("sha256",), ("md5",), (), ("blake2b",), ("sha512", "md5")], ids=str)
def test_upstream_changes_what_it_states(world: World, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """Upstream states other digests of the same files, or none: nothing is fetched, and nothing leaves."""
    for number in range(3):
        world.index.upload("alpha", f"{number}.0")
    behave(world, *before)
    assert world.run("alpha").outcome == "clean"
    tree = world.tree()
    behave(world, *after)
    finished = world.run("alpha")
    assert (finished.outcome, finished.files, finished.bytes) == ("clean", 0, 0)
    assert (world.upstream.count("/files/*") if after else 0, journal(world), world.tree()) == (0, [], tree)
    world.index.upload("alpha", "9.0")
    finished = world.run("alpha")
    assert (finished.outcome, finished.files, journal(world)) == ("clean", 1, [])
    world.check()


@pytest.mark.parametrize("stated", [("md5",), ("sha512",)], ids=str)
def test_replaced(world: World, stated: tuple[str, ...]) -> None:
    """A digest of other bytes is one of another file: it is fetched, and what was held leaves."""
    world.index.upload("alpha", "1.0")
    behave(world, *stated)
    world.run("alpha")
    world.index.remove_file(WHEEL)
    new = world.index.upload("alpha", "1.0", padding=10)
    assert world.run("alpha").outcome == "clean"
    assert world.page("alpha")["files"][0]["hashes"] == {"sha256": new.sha256}
    assert [action for action, _, _ in journal(world)] == ["left", "left"]
    world.check()


def test_other_bytes_than_at_first_sight(world: World) -> None:
    """Without a digest other bytes are refused and named, and what is held stays, until the operator accepts them."""
    old = world.index.upload("alpha", "1.0")
    behave(world)
    world.run("alpha")
    world.index.remove_file(WHEEL)
    new = world.index.upload("alpha", "1.0", padding=10)
    for _ in range(2):
        world.now += 86400
        assert world.run("alpha").outcome == "behind"
        [told] = world.of(events.FellBehind)
        assert WHEEL in told.reason
        assert "--accept-changed" in told.reason
        assert world.page("alpha")["files"][0]["hashes"] == {"sha256": old.sha256}
    assert world.run("alpha", accept_changed=["alpha"]).outcome == "clean"
    assert world.page("alpha")["files"][0]["hashes"] == {"sha256": new.sha256}
    world.check()
    assert world.run("alpha").outcome == "clean"


@pytest.mark.parametrize("how", ["page changed", "full", "a day later"])
def test_other_bytes_that_no_page_tells_of(world: World, how: str) -> None:
    """Bytes exchanged under one address and size are found when the page changes, in a day, or by a full run."""
    full = how == "full"
    old = world.index.upload("alpha", "1.0", upload_time="2024-01-01T00:00:00Z")
    same = world.index.upload("alpha", "2.0")
    behave(world, html=True)
    assert world.run("alpha").outcome == "clean"
    world.index.remove_file(WHEEL)
    other = old.content.replace(b"alpha", b"ALPHA")
    world.index.upload("alpha", "1.0", content=other, upload_time="2024-01-02T00:00:00Z")
    if how == "page changed":
        world.index.upload("alpha", "3.0")
    if how == "a day later":
        assert world.run("alpha").outcome == "clean"
        world.now += 86400
    assert world.run("alpha", full=full).outcome == "behind"
    [told] = world.of(events.FellBehind)
    assert WHEEL in told.reason
    assert same.filename not in told.reason
    assert world.page("alpha")["files"][0]["hashes"] == {"sha256": old.sha256}
    world.check()
    assert world.run("alpha", accept_changed=["alpha"]).outcome == "clean"
    assert world.page("alpha")["files"][0]["hashes"] == {"sha256": sha256(other)}
    assert world.run("alpha", full=True).outcome == "clean"
    world.check()


def test_server_without_validators(world: World) -> None:
    """A server that cannot be asked with conditions is asked for the length, and for all bytes by a full run."""
    world.index.upload("alpha", "1.0", padding=100_000)
    behave(world, html=True, etags=False)
    world.upstream.fault("/files/*", Headers({"Last-Modified": "never"}), times=None)
    world.run("alpha")
    world.index.upload("alpha", "2.0")
    assert world.run("alpha").outcome == "clean"
    assert world.run("alpha", full=True).outcome == "clean"
    world.index.remove_file(WHEEL)
    world.index.upload("alpha", "1.0", padding=100_001)
    assert world.run("alpha").outcome == "clean"
    world.index.upload("alpha", "3.0")
    assert world.run("alpha").outcome == "behind"
    assert len(world.filenames("alpha")) == 3


@pytest.mark.parametrize(("allowed", "hashes"), [(True, ()), (False, ()), (True, ("md5",))], ids=str)
def test_nothing_to_check_by_over_http(world: World, allowed: bool, hashes: tuple[str, ...]) -> None:
    """Where http is allowed, a run that takes files without a digest says once what that means."""
    world.index.upload("alpha", "1.0")
    world.index.upload("beta", "1.0")
    behave(world, *hashes)
    world.run("alpha", "beta", upstream__allow_http=allowed)
    warned = [one.message for one in world.of(events.Warned) if "without-digest" in one.message]
    assert len(warned) == (allowed and not hashes)
    world.run("alpha", "beta", upstream__allow_http=allowed)
    assert not world.of(events.Warned)


def test_pages_that_an_earlier_version_left_empty(world: World) -> None:
    """Pages that an earlier version published without files are looked at once more, though they are the same."""
    world.index.create("alpha")
    behave(world)
    world.run("alpha")
    with closing(assemble.open_catalogue(world.state / assemble.CATALOGUE, world.now)) as catalogue:
        catalogue.set({"any-digest": None})
    for conditional in (False, True):
        world.run("alpha")
        [request] = [one for one in world.upstream.requests if one.path == "/simple/alpha/"]
        assert ("if-none-match" in request.headers) is conditional


def test_lost_and_others_come(world: World) -> None:
    """What was lost here is fetched again, and has to be what it was at first sight."""
    old = world.index.upload("alpha", "1.0")
    behave(world)
    world.run("alpha")
    world.stored("alpha", WHEEL).unlink()
    world.upstream.fault("/files/*", Body(b"x" * old.size), times=1)
    assert world.run("alpha", full=True).outcome == "behind"
    [told] = world.of(events.FellBehind)
    assert old.sha256 in told.reason
    assert "--accept-changed" in told.reason
    world.now += 86400
    assert world.run("alpha", full=True).outcome == "clean"
    world.check()


def test_cut_off(world: World) -> None:
    """Parts of a file that nothing can be checked by are not put together: it is fetched from its beginning."""
    file = world.index.upload("alpha", "1.0", padding=5 << 20)
    behave(world)
    world.upstream.fault("/files/*", Cut(3 << 20), times=1)
    world.run("alpha")
    world.now += 86400
    assert world.run("alpha").outcome == "clean"
    assert not any("range" in request.headers for request in world.upstream.requests)
    assert world.page("alpha")["files"][0]["hashes"] == {"sha256": file.sha256}
    world.check()


def test_refused_by_the_operator(world: World) -> None:
    """Who wants no file without a digest gets none: it is named once, nothing is behind, and what is held stays."""
    world.index.upload("alpha", "1.0")
    world.index.upload("beta", "1.0")
    behave(world)
    world.run("alpha")
    world.index.upload("alpha", "2.0")
    for first in (True, False):
        assert world.run("alpha", "beta", files__without_digest="refuse").outcome == "clean"
        told = {one.filename: one.first for one in world.of(events.Skipped)}
        assert told.get("alpha-2.0-py3-none-any.whl", first) is first
        assert world.filenames("alpha") == [WHEEL]
        assert not (world.web / "simple/beta").exists()
        world.index.upload("alpha", "3.0" if first else "4.0")
    assert world.run("alpha", "beta", files__without_digest="take").outcome == "clean"
    assert len(world.filenames("alpha")) == 4
    world.check()


@pytest.mark.parametrize("true_one", ["first", "second"])
def test_two_digests_for_one_name(world: World, true_one: str) -> None:
    """Of two digests for one file name the one counts that the file has: fetched once, and held then."""
    file = world.index.upload("alpha", "1.0", upload_time="2024-01-02T03:04:05Z")
    behave(world)
    digests = [file.sha256, "0" * 64] if true_one == "first" else ["0" * 64, file.sha256]
    links = "".join(f'<a href="/files/{WHEEL}#sha256={digest}">{WHEEL}</a>' for digest in digests)
    page = f"<html><head><title>Links for alpha</title></head><body>{links}</body></html>".encode()
    world.upstream.fault("/simple/alpha/", Body(page, content_type="text/html"), times=None)
    assert world.run("alpha").outcome == "clean"
    assert world.page("alpha")["files"][0]["hashes"] == {"sha256": file.sha256}
    assert world.upstream.count("/files/*") == 1
    assert [one.filename for one in world.of(events.Skipped)] == [WHEEL]
    assert world.run("alpha", full=True).outcome == "clean"
    assert (world.upstream.count("/files/*"), journal(world)) == (0, [])
    world.check()


def test_cut_off_anywhere(make_world: Callable[[str], World]) -> None:
    """Cut off at any change of the disk, nothing stays of a file whose key was not known before, if it is gone then."""
    for last in range(0, 400, 5):
        world = make_world(f"cut-{last}")
        world.upstream.index.upload("alpha", "1.0")
        world.upstream.index.upload("beta", "1.0")
        behave(world, "md5")
        whole = lived(world, world.config(mirror__grace="0s"), Dying(last))
        world.index.remove_project("alpha")
        for _ in range(3):
            world.run(mirror__grace="0s", accept_removals=True)
        assert objects(world) == {"beta-1.0-py3-none-any.whl"}, last
        world.check()
        world.index.remove_project("beta")
        if whole:
            break
    else:
        pytest.fail("no run came to its end")


def test_only_its_page(world: World) -> None:
    """A page that links upstream's own files states what upstream states of them, in both forms."""
    file = world.index.upload("alpha", "1.0")
    for hashes in (("md5",), (), ("sha256",)):
        behave(world, *hashes)
        assert world.run("alpha", select__index_only=["alpha"]).outcome == "clean"
        [entry] = world.page("alpha")["files"]
        assert entry["hashes"] == {algorithm: file.digest(algorithm) for algorithm in hashes}
        fragment = f"#{hashes[0]}={file.digest(hashes[0])}" if hashes else ""
        assert f'href="{entry["url"]}{fragment}"' in (world.web / "simple/alpha/index.html").read_text()

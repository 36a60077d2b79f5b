"""Pages whose form alone is an older one: made anew from what is known, without a question to upstream."""

from __future__ import annotations

import errno
import itertools
from typing import Any, cast

import pytest

from bandersnatch import publish
from bandersnatch.cli import planned
from bandersnatch.errors import StorageError
from bandersnatch.plan import Policies, Policy
from bandersnatch.selection import Selection
from bandersnatch.storage.filesystem import FileStorage
from bandersnatch.sync import events, reform
from bandersnatch.sync.mirror import Mirror, Rules
from bandersnatch.testing import Status
from tests.sync.conftest import World, journal
from tests.sync.test_crash import Dying, lived
from tests.sync.test_planning import plan_of


def upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on it is a later version of this program, whose pages have another form."""
    monkeypatch.setattr(publish, "FORMAT", publish.FORMAT + 1)
    monkeypatch.setattr("bandersnatch.simple.facts.API_VERSION", "1.5")


def pages_asked_for(world: World) -> int:
    """Requests for anything but the list of projects."""
    return sum(one.path != "/simple/" for one in world.upstream.requests)


def facts_of(page: dict[str, Any]) -> dict[str, Any]:
    """What a page says, but for the version of its form."""
    return {key: value for key, value in page.items() if key != "meta"}


def versions(world: World) -> set[str]:
    """The API versions that the mirror's pages name."""
    return {world.page(path.parent.name)["meta"]["api-version"] for path in world.web.glob("simple/*/index.v1_json")}


def test_another_version(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of an older form are made anew, once, and nothing but the list is asked for."""
    upgrade(monkeypatch)
    assert two.run().outcome == "clean"
    assert (pages_asked_for(two), versions(two)) == (0, {"1.5"})
    [told] = two.of(events.Reformed)
    assert told.projects == 2
    two.check()
    two.run()
    assert (two.of(events.Reformed), pages_asked_for(two)) == ([], 0)


def test_what_only_the_page_says(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The status of a project and the files of one of which only the page is wanted come through as they were."""
    for name in ("archived", "quarantined", "linked"):
        world.index.upload(name, "1.0")
    world.settings["select.index-only"] = ["linked"]
    world.run()
    world.index.archive("archived")
    world.index.quarantine("quarantined")
    world.run(accept_removals=True)
    before = {name: facts_of(world.page(name)) for name in ("archived", "quarantined", "linked")}
    upgrade(monkeypatch)
    world.run()
    assert pages_asked_for(world) == 0
    assert {name: facts_of(world.page(name)) for name in before} == before
    assert versions(world) == {"1.5"}


def test_another_way_of_publishing(two: World) -> None:
    """So it is with other keys under [publish], there and back."""
    before = two.tree()
    two.run(publish__html=False, publish__legacy_json="none")
    assert pages_asked_for(two) == 0
    assert not [key for key in two.tree() if key.endswith("html") or key.startswith("pypi/")]
    two.run()
    assert pages_asked_for(two) == 0
    assert two.tree() == before


def test_behind_stays_behind(two: World) -> None:
    """Another form does not make a project as new as upstream's."""
    two.index.upload("alpha", "4.0")
    two.upstream.fault("/simple/alpha/", Status(500), times=None)
    assert two.run(publish__html=False).outcome == "behind"
    assert two.of(events.Reformed)
    two.upstream.clear_faults()
    two.run(publish__html=False)
    assert any("4.0" in name for name in two.filenames("alpha"))


def test_no_upstream(two: World) -> None:
    """Nobody has to answer."""
    before = two.page("alpha")
    two.upstream.fault("*", Status(503), times=None)
    two.run(publish__html=False)
    assert not (two.web / "simple/alpha/index.html").exists()
    assert two.page("alpha") == before


def test_damaged_page(two: World) -> None:
    """A page that is not what was published vouches for nothing: its project is behind, and the next run mends it."""
    page = two.web / "simple/alpha/index.v1_json"
    page.write_bytes(page.read_bytes().replace(b"sha256", b"sha512"))
    assert two.run(publish__html=False).outcome == "behind"
    [told] = two.of(events.FellBehind)
    assert told.project == "alpha"
    two.now += 3600
    assert two.run(publish__html=False).outcome == "clean"
    assert two.page("alpha")["files"][0]["hashes"].keys() == {"sha256"}


def test_cut_off(two: World) -> None:
    """Cut off anywhere, the next run goes on, still without a question, and the tree is the same in the end."""
    expected: dict[bool, dict[str, str]] = {}
    for html in (False, True):
        two.run(publish__html=html)
        expected[html] = two.tree()
    html = False
    for number in itertools.count(1):
        two.now += 600
        done = lived(two, two.config(publish__html=html), Dying(number))
        assert two.run(publish__html=html).outcome == "clean", number
        assert pages_asked_for(two) == 0, number
        assert two.tree() == expected[html], number
        if done:
            break
        html = not html


# --- the older JSON of releases ------------------------------------------------------------------------------------


def of_releases(world: World) -> int:
    return len(list(world.web.glob("pypi/*/*/json")))


def test_off_by_default(two: World) -> None:
    """Projects have older JSON, releases have none, unless that is asked for."""
    assert (two.web / "pypi/alpha/json").is_file()
    assert of_releases(two) == 0
    two.run(publish__legacy_json="releases")
    assert of_releases(two) == 6
    two.run(publish__legacy_json="none")
    assert not (two.web / "pypi/alpha").exists()
    assert pages_asked_for(two) == 0


def test_it_leaves(two: World) -> None:
    """It leaves with its folders, outside the brake and the journal, and nothing is asked for; a plan says how much."""
    before = two.tree()
    two.run(publish__legacy_json="releases")
    brake: dict[str, Any] = {"removal__max_files": 0, "removal__max_projects": 0}
    found = plan_of(two, **brake)
    assert (found.anew, found.unmade, found.brake) == (2, 6, ())
    assert any("2 projects" in line and "6 pages" in line for line in planned.lines(found, bars=False))
    assert two.run(**brake).outcome == "clean"
    assert (two.tree(), pages_asked_for(two), journal(two)) == (before, 0, [])
    assert sorted(path.name for path in (two.web / "pypi").rglob("*")) == ["alpha", "beta", "json", "json"]
    found = plan_of(two)
    assert (found.anew, found.unmade) == (0, 0)


def test_it_leaves_in_slices(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run does so much and no more; the next one goes on, there or back, until all is as it should be."""
    before = two.tree()
    two.run(publish__legacy_json="releases")
    everything = two.tree()
    monkeypatch.setattr(reform, "AT_ONCE", 1)
    monkeypatch.setattr(reform, "MOST", 1)
    assert two.run().outcome == "clean"
    assert of_releases(two) == 3
    two.run()
    assert two.tree() == before
    two.run(publish__legacy_json="releases")
    two.run()  # that was one of two, and another wish
    two.run(publish__legacy_json="releases")
    two.run(publish__legacy_json="releases")
    assert two.tree() == everything


def test_a_change_of_mind(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What had its turn before the operator thought better of it comes back."""
    two.run(publish__legacy_json="releases")
    everything = two.tree()
    monkeypatch.setattr(reform, "AT_ONCE", 1)
    monkeypatch.setattr(reform, "MOST", 1)
    two.run()
    two.run(publish__legacy_json="releases")
    assert two.tree() == everything


def test_news_come_first(two: World) -> None:
    """A project that upstream has changed loses it with its next page, and what leaves the page by itself as well."""
    two.run(publish__legacy_json="releases")
    two.index.upload("alpha", "4.0")
    two.index.remove_file("alpha-1.0-py3-none-any.whl")
    two.run()
    assert of_releases(two) == 0
    assert {name.removesuffix(".metadata") for _, _, name in journal(two)} == {"alpha-1.0-py3-none-any.whl"}
    two.check()


@pytest.mark.parametrize("news", [True, False])
def test_nothing_leaves_in_doubt(two: World, monkeypatch: pytest.MonkeyPatch, *, news: bool) -> None:
    """Once the disk has refused anything nothing leaves, and no further pages are made anew; a later run does it."""
    two.run(publish__legacy_json="releases")
    if news:
        two.index.upload("alpha", "4.0")
    settle, refused = FileStorage.settle, [True]

    def refuse(storage: FileStorage) -> None:
        settle(storage)
        if refused:
            raise StorageError("denied", errno=refused.pop() and errno.EACCES)

    monkeypatch.setattr(FileStorage, "settle", refuse)
    monkeypatch.setattr(reform, "AT_ONCE", 1)
    assert two.run().outcome == "clean"
    assert (of_releases(two), len(two.filenames("alpha")), refused) == (6, 3 + news, [])
    assert sum(one.projects for one in two.of(events.Reformed)) == 1 - news
    two.run()
    assert of_releases(two) == 0


def test_what_cannot_be_deleted(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that lets nothing go holds up nothing else: each run says so, and tries again."""
    before = two.tree()
    two.run(publish__legacy_json="releases")
    delete = FileStorage.delete

    def denied(storage: FileStorage, key: str) -> None:
        if key.startswith("pypi/alpha/2.0"):
            raise StorageError(f"{key}: permission denied", key=key, errno=errno.EACCES)
        delete(storage, key)

    with monkeypatch.context() as patch:
        patch.setattr(reform, "AT_ONCE", 1)
        patch.setattr(FileStorage, "delete", denied)
        for _ in range(2):
            two.now += 7200
            assert two.run(mirror__grace="0s").outcome == "clean"
            assert of_releases(two) == 1
            assert ["pypi/alpha/2.0/json: permission denied" in one.message for one in two.of(events.Warned)] == [True]
        two.index.upload("beta", "4.0")
        two.run(mirror__grace="0s")
        assert len(two.filenames("beta")) == 4
    two.run()
    assert two.tree().keys() >= before.keys()
    assert of_releases(two) == 0


@pytest.mark.parametrize(
    ("fingerprint", "rules"),
    [
        ("01fec0848e0b7ff2", Rules()),
        ("01fec0848e0b7ff2", Rules(publish=publish.Settings(legacy_json="releases"))),
        ("57570b52c89b265c", Rules(publish=publish.Settings(legacy_json="none"))),
        (
            "72ae546a34407401",
            Rules(
                file_hosts=("files.example",),
                policies=Policies(deleted=Policy.KEEP),
                publish=publish.Settings(base_url="https://mirror.example/"),
            ),
        ),
    ],
)
def test_fingerprints_of_earlier_programs(fingerprint: str, rules: Rules) -> None:
    """What an earlier program made by the same rules need not be asked for again; what it made by others has to be."""
    absent = cast("Any", None)
    selection = Selection(everything=True)

    def mirror(rules: Rules) -> Mirror:
        url = "https://index.example/simple/"
        return Mirror("mirror", url, url, absent, absent, absent, absent, selection, rules)

    earlier = f"{selection.fingerprint('demo')}-{fingerprint}"
    ours = mirror(rules)
    assert ours.has_asked("demo", earlier)
    assert not ours.has_form(earlier)
    assert ours.in_present_form("demo", earlier) == ours.fingerprint("demo")
    assert not mirror(Rules(metadata_of_each=True)).has_asked("demo", earlier)

"""Pages whose form alone is an older one: made anew from what is known, without a question to upstream."""

from __future__ import annotations

import itertools
from typing import Any, cast

import pytest

from bandersnatch import publish
from bandersnatch.plan import Policies, Policy
from bandersnatch.selection import Selection
from bandersnatch.sync import events
from bandersnatch.sync.mirror import Mirror, Rules
from bandersnatch.testing import Status
from tests.sync.conftest import World
from tests.sync.test_crash import Dying, lived


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
    two.run(publish__html=False, publish__legacy_json=False)
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


@pytest.mark.parametrize(
    ("fingerprint", "rules"),
    [
        ("01fec0848e0b7ff2", Rules()),
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

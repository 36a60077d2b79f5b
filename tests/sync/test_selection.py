"""The mirror follows its rules: what is newly wanted comes, what is not wanted leaves, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from bandersnatch.assemble.selection import choose
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.config.load import load
from bandersnatch.errors import CatalogueError
from bandersnatch.model import Project
from bandersnatch.selection import Context
from bandersnatch.simple import parse_page
from bandersnatch.sync import events
from tests.sync.conftest import World, buried, iso, journal, objects

# --- the configuration changes -------------------------------------------------------------------------------------


def test_narrower_and_wider_again(two: World) -> None:
    """Rules that want less take files away, rules that want more bring them back, though upstream has not changed."""
    everything = two.tree()
    assert two.run(accept_removals=True, releases__prereleases=False, releases__newest=1).outcome == "clean"
    assert [len(two.filenames(name)) for name in ("alpha", "beta")] == [1, 1]
    two.check()
    assert two.run().outcome == "clean"
    assert two.tree() == everything
    assert two.upstream.count("/packages/*") == 0, "what left was still there"


def test_deselected_project_leaves(two: World) -> None:
    """A project that is not selected any more leaves the list, then its page, then storage, by way of the trash."""
    assert two.run(accept_removals=True, exclude__projects=["beta"]).outcome == "clean"
    assert list(two.root()) == ["alpha"]
    assert not (two.web / "simple/beta").exists()
    assert [one.reason for one in two.of(events.Removed)] == ["it is not selected any more"]
    two.now += 3600
    two.run(exclude__projects=["beta"])
    assert not {name for name in objects(two) if name.startswith("beta")}
    assert len(buried(two)) == 3
    two.check()


def test_selected_again(two: World) -> None:
    """A project that is selected again comes back from the trash, byte for byte, and nothing is fetched twice."""
    before = two.tree()
    for _ in range(3):
        two.run(accept_removals=True, exclude__projects=["beta"])
        two.now += 3600
    assert buried(two)
    assert two.run().outcome == "clean"
    assert two.upstream.count("/packages/*") == 0
    assert two.tree() == before
    assert not buried(two)


def test_untouched(two: World) -> None:
    """A rule about one project has no page of another made or even asked for again."""
    stamp = (two.web / "simple/alpha/index.html").stat().st_mtime_ns
    two.run(exclude__projects=["beta==1.0"])
    assert (two.web / "simple/alpha/index.html").stat().st_mtime_ns == stamp
    assert two.upstream.count("/simple/alpha/") == 0
    assert two.filenames("beta") == [name for name in two.filenames("beta") if "1.0" not in name]


def test_items_of_every_form(world: World, tmp_path: Path) -> None:
    """Names, ranges, globs, regular expressions and files admit together; exclusions take away."""
    for name in ("alpha", "beta", "django-one", "django-two", "gamma", "other"):
        world.index.upload(name, "1.0")
        world.index.upload(name, "2.0")
    (tmp_path / "requirements.txt").write_text("gamma==1.0  # pinned\n")
    finished = world.run(
        select__everything=False,
        select__projects=["alpha", "beta>=2", "/django-.*/"],
        select__from_files=[str(tmp_path / "requirements.txt")],
        exclude__projects=["*-two"],
    )
    assert finished.outcome == "clean"
    assert {name: len(world.filenames(name)) for name in world.root()} == {
        "alpha": 2, "beta": 1, "django-one": 2, "gamma": 1,
    }  # fmt: skip


def test_nothing_of_a_project(two: World) -> None:
    """A project of which the rules want no file has no page and is not listed until a wanted file comes."""
    two.index.upload("gamma", "1.0rc1")
    two.run(releases__prereleases=False)
    assert "gamma" not in two.root()
    assert not (two.web / "simple/gamma").exists()
    two.run(releases__prereleases=False)
    assert two.upstream.count("/simple/gamma/") == 0, "it is not asked for as long as it does not change"
    two.index.upload("gamma", "1.0")
    two.run(releases__prereleases=False)
    assert len(two.filenames("gamma")) == 1


def test_last_wanted_file_goes(two: World) -> None:
    """A published project of which nothing is wanted any more is taken off the list first, then its page goes."""
    two.index.upload("gamma", "1.0rc1")
    two.run()
    assert "gamma" in two.root()
    assert two.run(accept_removals=True, releases__prereleases=False).outcome == "clean"
    assert "gamma" not in two.root()
    assert not (two.web / "simple/gamma").exists()
    two.check()
    assert two.run().outcome == "clean"
    assert len(two.filenames("gamma")) == 1


def test_index_only(two: World) -> None:
    """The page of an index-only project links upstream's files, and none of them is stored."""
    two.run(select__index_only=["beta"])
    assert all(file["url"].startswith(two.upstream.url) for file in two.page("beta")["files"])
    two.now += 3600
    two.run(select__index_only=["beta"])
    assert not {name for name in objects(two) if name.startswith("beta")}
    two.run()
    two.check()


def test_rules_taken_back_after_a_failure(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that were published by rules that were never committed are made anew when the rules are taken back."""
    before = two.tree()

    def fail(*_: object) -> None:
        raise CatalogueError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteCatalogue, "commit", fail)
        assert two.run(exclude__projects=["beta==1.0"]).outcome == "disk"
    assert two.run().outcome == "clean"
    assert two.tree() == before


# --- the brake -----------------------------------------------------------------------------------------------------


def test_too_many_projects(world: World) -> None:
    """Rules that would remove more projects than the brake allows remove none, until an operator agrees."""
    for number in range(10):
        world.index.upload(f"project-{number}", "1.0")
    world.run()
    before = world.tree()
    finished = world.run("project-1", "project-2")
    assert finished.outcome == "refused"
    assert "--accept-removals" in finished.reason
    assert world.tree() == before
    assert world.run("project-1", "project-2", accept_removals=True).outcome == "clean"
    assert list(world.root()) == ["project-1", "project-2"]


def test_too_many_files(world: World) -> None:
    """The same for files of projects that stay: no page loses any before all of them are counted."""
    for name in ("alpha", "beta"):
        for number in range(60):
            world.index.upload(name, f"{number}.0")
    world.run()
    before = world.tree()
    finished = world.run(releases__newest=1)
    assert finished.outcome == "refused"
    assert "118 of 120 files" in finished.reason
    assert world.tree() == before
    assert world.run(releases__newest=1, accept_removals=True).outcome == "clean"
    assert [len(world.filenames(name)) for name in ("alpha", "beta")] == [1, 1]


# --- policies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["follow", "hide", "keep"])
def test_deleted_file(two: World, policy: str) -> None:
    """A file that upstream deleted leaves, is hidden, or stays listed, as the policy says."""
    gone = two.filenames("alpha")[0]
    two.index.remove_file(gone)
    two.run(removal__deleted=policy, removal__trash="0s")
    assert (gone in two.filenames("alpha")) == (policy == "keep")
    two.check()
    two.now += 3600
    two.run(removal__deleted=policy, removal__trash="0s")
    assert (gone in objects(two)) == (policy == "keep")
    assert (gone in buried(two)) == (policy == "hide")


@pytest.mark.parametrize("policy", ["follow", "hide", "keep"])
def test_deleted_project(two: World, policy: str) -> None:
    """A project that upstream deleted leaves, is hidden, or stays, and is not asked for again and again."""
    two.index.remove_project("beta")
    for _ in range(3):
        assert two.run(accept_removals=True, removal__deleted=policy, removal__trash="0s").outcome == "clean"
        two.now += 3600
    assert ("beta" in two.root()) == (policy == "keep")
    assert len(buried(two)) == (3 if policy == "hide" else 0)
    two.run(removal__deleted=policy, removal__trash="0s")
    assert two.upstream.count("/simple/beta/") == 0
    two.check()


@pytest.mark.parametrize("policy", ["follow", "hide", "keep"])
def test_quarantined(two: World, policy: str) -> None:
    """The files of a quarantined project leave, are hidden, or stay offered, without a status that forbids it."""
    two.index.quarantine("beta")
    assert two.run(accept_removals=True, removal__quarantined=policy).outcome == "clean"
    assert ("beta" in two.root()) == (policy == "keep")
    assert len(two.filenames("beta")) == (3 if policy == "keep" else 0)
    assert (two.page("beta").get("project-status", {}).get("status") == "quarantined") == (policy != "keep")
    two.check()


@pytest.mark.parametrize("policy", ["follow", "hide"])
def test_yanked(two: World, policy: str) -> None:
    """A yanked file is shown as yanked, or is hidden."""
    name = two.filenames("alpha")[0]
    two.index.yank("alpha", "1.0", "broken")
    two.run(removal__yanked=policy)
    flags = {file["filename"]: file["yanked"] for file in two.page("alpha")["files"]}
    assert flags.get(name) == ("broken" if policy == "follow" else None)
    two.check()


def test_yanked_and_kept(two: World) -> None:
    """Where yanked files are not wanted, the policy "keep" keeps those that are here, flagged."""
    name = two.filenames("alpha")[0]
    two.index.yank("alpha", "1.0", "broken")
    two.run(releases__yanked=False, removal__yanked="keep")
    assert {file["filename"]: file["yanked"] for file in two.page("alpha")["files"]}[name] == "broken"


def test_replaced_file_is_not_kept(two: World) -> None:
    """A name stands for one file: what upstream replaced leaves, whatever the policy."""
    name = two.filenames("alpha")[0]
    two.index.remove_file(name)
    two.index.upload("alpha", "1.0", content=b"another")
    two.run(removal__deleted="keep")
    assert len(two.filenames("alpha")) == len(set(two.filenames("alpha")))
    two.check()


def test_journal_and_trash(two: World) -> None:
    """Every removal has its line, and what expired in the trash goes for good."""
    gone = two.filenames("alpha")[0]
    two.index.remove_file(gone)
    for _ in range(2):
        two.run(removal__trash="1d")
        two.now += 3600
    two.now += 2 * 86400
    two.run(removal__trash="1d")
    assert [action for action, project, name in journal(two) if name == gone and project == "alpha"] == [
        "left", "buried", "purged",
    ]  # fmt: skip
    assert not buried(two)


# --- time ----------------------------------------------------------------------------------------------------------


def test_cool_down(world: World) -> None:
    """A young file is on no page and is not stored; it comes when it is old enough, though upstream has not changed."""
    world.index.upload("demo", "1.0", upload_time=iso(world.now - 30 * 86400))
    world.index.upload("demo", "2.0", upload_time=iso(world.now - 86400))
    world.run(cool_down__age="7d")
    assert len(world.filenames("demo")) == 1
    world.now += 3 * 86400
    world.run(cool_down__age="7d")
    assert len(world.filenames("demo")) == 1
    assert world.upstream.count("/simple/demo/") == 0
    world.now += 4 * 86400
    world.run(cool_down__age="7d")
    assert len(world.filenames("demo")) == 2


def test_first_seen(world: World) -> None:
    """By the mirror's own clock a file waits from when it was seen first, whatever upstream says of its age."""
    world.index.upload("demo", "1.0", upload_time=iso(world.now - 30 * 86400))
    world.settings |= {"cool-down.age": "7d", "cool-down.clock": "first-seen"}
    world.run()
    assert "demo" not in world.root()
    world.now += 5 * 86400
    world.index.upload("demo", "2.0", upload_time=iso(world.now - 30 * 86400))
    world.run()
    assert "demo" not in world.root()
    world.now += 2 * 86400
    world.run()
    assert len(world.filenames("demo")) == 1
    world.now += 5 * 86400
    world.run()
    assert len(world.filenames("demo")) == 2


def test_moving_window(world: World) -> None:
    """A file that becomes too old leaves by itself."""
    world.index.upload("demo", "1.0", upload_time=iso(world.now - 5 * 86400))
    world.index.upload("demo", "2.0", upload_time=iso(world.now))
    world.run(files__uploaded_after="7d")
    assert len(world.filenames("demo")) == 2
    world.now += 3 * 86400
    world.run(accept_removals=True, files__uploaded_after="7d")
    assert len(world.filenames("demo")) == 1


# --- one engine ----------------------------------------------------------------------------------------------------

RULES: dict[str, dict[str, object]] = {
    "nothing": {},
    "newest": {"releases.newest": 1},
    "no prereleases": {"releases.prereleases": False},
    "types": {"files.types": ["sdist"]},
    "excluded": {"exclude.projects": ["alpha==2.0", "beta"]},
    "names": {"files.names": ["*2.0*"]},
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_page_is_what_the_selection_says(two: World, rules: dict[str, object]) -> None:
    """What a page links is exactly what the selection, asked file by file, says is wanted."""
    two.settings |= rules
    two.run(accept_removals=True)
    selection = choose(load(None, {}, {"select.everything": True, **rules}).config).selection
    for name in ("alpha", "beta"):
        page = _upstream_page(two, name)
        wanted = [one.filename for one in selection.explain(page, Context(two.now)) if one.wanted]
        assert (two.filenames(name) if name in two.root() else []) == wanted


def _upstream_page(world: World, name: str) -> Project:
    request = Request(f"{world.upstream.url}/simple/{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urlopen(request) as response:
        return parse_page(response.headers["content-type"], response.read(), response.url, name)


def test_a_page_of_links_is_not_kept(world: World) -> None:
    """What is kept is what is here: a page that only links upstream's files leaves with its project."""
    for name in ("linked", "other"):
        world.index.upload(name, "1.0")
    world.run(select__index_only=["linked"])
    assert world.run(exclude__projects=["linked"], removal__deselected="keep").outcome == "clean"
    assert list(world.root()) == ["other"]
    assert not (world.web / "simple/linked/index.html").exists()

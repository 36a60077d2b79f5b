"""The contract of the catalogue port, kept by every adapter."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from bandersnatch import layout
from bandersnatch.catalogue.base import Behind, Buried, Catalogue, Diff, Entry, Leaving, Published, RunRecord, Totals
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.errors import CatalogueError
from bandersnatch.model import Listed
from bandersnatch.values import replace
from tests.catalogue.samples import (
    FOREVER,
    Clock,
    commit,
    digest,
    due_names,
    failure,
    held,
    leaving_keys,
    listed,
    published,
    take_list,
)

pytestmark = pytest.mark.usefixtures("quick")

STALE = "index-stale"

# --- facts ---------------------------------------------------------------------------------------------------------


def test_facts(catalogue: Catalogue) -> None:
    """Facts are set together, replaced and, by None, removed."""
    assert catalogue.get("rules") is None
    catalogue.set({"rules": "a", "list-etag": '"x"'})
    catalogue.set({"rules": "b", "list-etag": None, "never-set": None})
    assert [catalogue.get(fact) for fact in ("rules", "list-etag", "never-set")] == ["b", None, None]


# --- what upstream has ---------------------------------------------------------------------------------------------


def test_want(catalogue: Catalogue) -> None:
    """A wanted project that was not known is due now; a known one stays as it is."""
    catalogue.commit([commit("known", 7)])
    catalogue.want([listed("known", 9, "KNOWN"), listed("new", 3, "New")], 10.0)
    assert due_names(catalogue, 9.9) == []
    assert catalogue.due(10.0, "", 9) == [Entry("new", "New", promised=3)]
    assert catalogue.entry("known") == commit("known", 7).entry


def test_compare_changes_nothing(catalogue: Catalogue) -> None:
    """The difference counts new and changed projects and names the published ones that the list lacks."""
    catalogue.commit([commit("gone", 1), commit("moved", 2), commit("same", 3), commit("hidden", 4, indexed=False)])
    catalogue.want([listed("wanted-only")], 1.0)
    catalogue.begin_listing()
    catalogue.absorb([listed("same", 3), listed("moved", 20)])
    catalogue.absorb([listed("brand-new", 5)])
    expected = Diff(new=1, changed=1, missing=("gone", "hidden"), known=3)
    assert catalogue.compare() == expected
    assert catalogue.compare() == expected
    assert due_names(catalogue) == ["wanted-only"]
    assert catalogue.entry("brand-new") is None


def test_adopt(catalogue: Catalogue) -> None:
    """New and moved projects are due, spellings follow, missing ones are untouched, and the facts are set."""
    catalogue.commit([commit("gone", 1), commit("moved", 2), commit("same", 3)])
    catalogue.set({"list-etag": "old"})
    catalogue.begin_listing()
    catalogue.absorb([listed("same", 3, "Same"), listed("moved", 20), listed("new", 5)])
    catalogue.adopt(10.0, {"list-serial": "20", "list-etag": None})
    assert due_names(catalogue, 10.0) == ["moved", "new"]
    assert catalogue.entry("moved") == replace(commit("moved", 2).entry, promised=20)
    assert catalogue.entry("same") == replace(commit("same", 3).entry, display="Same")
    assert catalogue.entry("gone") == commit("gone", 1).entry
    assert (catalogue.get("list-serial"), catalogue.get("list-etag")) == ("20", None)


@pytest.mark.parametrize(
    ("before", "after", "is_due"), [(5, 5, False), (5, 6, True), (5, 4, True), (None, None, False), (None, 5, True)]
)
def test_moved_serial(catalogue: Catalogue, before: int | None, after: int | None, is_due: bool) -> None:
    """Any other serial than before makes a project due, a lower one, too; the same or none again does not."""
    catalogue.commit([commit("demo", before)])
    take_list(catalogue, 10.0, listed("demo", after))
    assert due_names(catalogue) == (["demo"] if is_due else [])


def test_one_name_twice(catalogue: Catalogue) -> None:
    """A list that has a name twice is taken; the later line counts."""
    take_list(catalogue, 10.0, listed("demo", 5, "Demo"), listed("demo", 6, "DEMO"))
    assert catalogue.due(10.0, "", 9) == [Entry("demo", "DEMO", promised=6)]


def test_a_later_batch_takes_back(catalogue: Catalogue) -> None:
    """Lines that say what is known count as well when they come later; what came between them stays new."""
    catalogue.commit([commit("a", 1), commit("c", 3)])
    catalogue.begin_listing()
    catalogue.absorb([listed("a", 10), listed("b", 2), listed("c", 30)])
    catalogue.absorb([listed("c", 3), listed("a", 1)])
    assert catalogue.compare() == Diff(new=1, changed=0, missing=(), known=2)
    catalogue.adopt(10.0, {}, whole=True)
    assert due_names(catalogue, 10.0) == ["b"]


def test_one_name_in_two_batches_hides_no_other(catalogue: Catalogue) -> None:
    """As many lines as there are projects, and one of these is missing all the same."""
    catalogue.commit([commit("a", 1), commit("c", 3)])
    catalogue.begin_listing()
    catalogue.absorb([listed("a", 1)])
    catalogue.absorb([listed("a", 1)])
    assert catalogue.compare().missing == ("c",)


def test_new_promise_ends_the_wait(catalogue: Catalogue) -> None:
    """A project that waits for its next try is due at once by a new promise, and waits on by an old one."""
    take_list(catalogue, 1.0, listed("a", 5), listed("b", 5))
    catalogue.fail([failure("a", 99.0), failure("b", 99.0)], 2.0)
    take_list(catalogue, 10.0, listed("a", 6), listed("b", 5))
    assert due_names(catalogue, 10.0) == ["a"]
    assert [(one.name, one.tries) for one in catalogue.behind()] == [("a", 1), ("b", 1)]


def test_waiting_is_not_prolonged(catalogue: Catalogue) -> None:
    """What was due since earlier stays due since then."""
    catalogue.want([listed("demo", 1)], 5.0)
    catalogue.promise([listed("demo", 2)], 10.0, {})
    catalogue.missing(["demo"], 10.0)
    catalogue.make_due(10.0)
    assert due_names(catalogue, 5.0) == ["demo"]


def test_unfinished_list_is_forgotten(catalogue: Catalogue, reopen: Callable[[], Catalogue]) -> None:
    """A list that was begun and not adopted leaves nothing, neither in this run nor for the next."""
    catalogue.begin_listing()
    catalogue.absorb([listed("old", 1)])
    catalogue.begin_listing()
    catalogue.absorb([listed("new", 2)])
    assert catalogue.compare().new == 1
    catalogue.close()
    reopened = reopen()
    assert due_names(reopened) == []
    reopened.close()


def test_no_list(catalogue: Catalogue) -> None:
    """Without a list that was begun there is nothing to compare or adopt."""
    for again in (False, True):
        for use in (lambda: catalogue.absorb([]), catalogue.compare, lambda: catalogue.adopt(1.0, {})):
            with pytest.raises(CatalogueError, match="no list"):
                use()
        if not again:
            take_list(catalogue, 1.0)


def test_promise(catalogue: Catalogue) -> None:
    """The lines of a changelog do what a list with the same lines does, in their order."""
    catalogue.commit([commit("moved", 2), commit("same", 3)])
    catalogue.promise([listed("new", 4), listed("moved", 5), listed("same", 3), listed("new", 6)], 10.0, {"x": "1"})
    assert [(one.name, one.promised) for one in catalogue.due(10.0, "", 9)] == [("moved", 5), ("new", 6)]
    assert catalogue.get("x") == "1"


def test_make_due(catalogue: Catalogue) -> None:
    """All wanted projects are made due; those behind wait for their next try unless that is cut short."""
    catalogue.commit([commit("a", 1), commit("late", 1), commit("unwanted", 1, wanted=False)])
    catalogue.fail([failure("late", 99.0)], 1.0)
    catalogue.make_due(10.0)
    assert due_names(catalogue, 10.0) == ["a"]
    catalogue.make_due(10.0, waiting=True)
    assert due_names(catalogue, 10.0) == ["a", "late"]
    catalogue.fail([failure("late", 99.0)], 1.0)
    catalogue.cut_waits(10.0)
    assert due_names(catalogue, 10.0) == ["a", "late"]


def test_reselect(catalogue: Catalogue) -> None:
    """Wanted projects are due and in doubt; unwanted ones leave where they are published, and are forgotten else."""
    catalogue.commit([commit("in", 1), commit("out", 1), commit("stays", 1), commit("same", 1)])
    catalogue.want([listed("new")], 5.0)
    assert [(one.name, one.published, one.wanted, one.selection) for one in catalogue.known()] == [
        ("in", True, True, "all"), ("new", False, True, ""), ("out", True, True, "all"), ("same", True, True, "all"),
        ("stays", True, True, "all"),
    ]  # fmt: skip
    catalogue.reselect(["in"], ["out", "new"], 10.0, leave=True)
    catalogue.reselect([], ["stays"], 10.0, leave=False)
    due = {one.name: (one.wanted, one.selection) for one in catalogue.due(10.0, "", 9)}
    assert due == {"in": (True, ""), "out": (False, "all")}
    assert catalogue.entry("new") is None
    catalogue.reselect(["stays"], [], 11.0, leave=True)
    assert due_names(catalogue, 11.0) == ["in", "out", "stays"]


def test_unwanted_is_not_missed(catalogue: Catalogue) -> None:
    """A list need not have what is not wanted, nor again what is kept although upstream has it no longer."""
    catalogue.commit([commit("out", 1), commit("kept", 1), commit("gone", 1)])
    catalogue.reselect([], ["out"], 5.0, leave=True)
    catalogue.missing(["kept"], 5.0)
    catalogue.keep(["kept"])
    catalogue.begin_listing()
    assert catalogue.compare().missing == ("gone",)
    entry = catalogue.entry("kept")
    assert entry is not None
    assert entry.missing_since == 5.0


def test_review(catalogue: Catalogue) -> None:
    """What time alone changes is due when its time has come, and not before."""
    catalogue.commit(
        [commit("young", 1, review=100.0), commit("other", 1), commit("out", 1, review=90.0, wanted=False)]
    )
    catalogue.wake(99.0, FOREVER)
    assert due_names(catalogue) == []
    catalogue.wake(100.0, FOREVER)
    assert due_names(catalogue, 100.0) == ["young"]


def test_retire(catalogue: Catalogue) -> None:
    """A departing project that is still wanted stays known, with what it has seen; others that depart are dropped."""
    nothing = commit("nothing", 1, departing=True, indexed=False)
    seen = ((digest("young"), 7.0),)
    catalogue.commit(
        [
            replace(nothing, published=replace(nothing.published, seen=seen)),
            commit("unseen", 1, departing=True, indexed=False),
            commit("gone", 1, departing=True, missing_since=3.0),
            commit("out", 1, departing=True, wanted=False),
            commit("stays", 1),
        ]
    )
    stays = catalogue.published("stays")
    catalogue.retire(["nothing", "unseen", "gone", "out", "stays"])
    entry = catalogue.entry("nothing")
    assert entry is not None
    assert (entry.published, entry.departing, entry.serial) == (False, False, 1)
    assert catalogue.published("nothing") == Published(seen=seen)
    assert (catalogue.published("unseen"), catalogue.published("stays")) == (Published(), stays)
    assert [catalogue.entry(name) is None for name in ("gone", "out", "stays")] == [True, True, False]


def test_missing(catalogue: Catalogue) -> None:
    """A project that the list lacks is due, and missing since the first time; when it is back, it is not missing."""
    catalogue.commit([commit("demo", 1)])
    catalogue.missing(["demo", "unknown"], 10.0)
    catalogue.missing(["demo"], 20.0)
    assert [(one.name, one.missing_since) for one in catalogue.due(10.0, "", 9)] == [("demo", 10.0)]
    take_list(catalogue, 30.0, listed("demo", 1))
    assert catalogue.entry("demo") == commit("demo", 1).entry


# --- work ----------------------------------------------------------------------------------------------------------


def test_due_in_pages(catalogue: Catalogue) -> None:
    """Due projects come in the order of names, each once, however few are asked for at a time."""
    catalogue.want([listed(name) for name in "gfedcba"], 5.0)
    catalogue.fail([failure("c", 9.0)], 5.0)
    seen, after = [], ""
    while page := catalogue.due(8.0, after, 2):
        seen += [entry.name for entry in page]
        after = page[-1].name
    assert seen == list("abdefg")
    assert (catalogue.count_due(4.9), catalogue.count_due(8.0), catalogue.count_due(9.0)) == (0, 6, 7)


def test_unknown_project(catalogue: Catalogue) -> None:
    """What is not known has no entry and no page, and failing, confirming or forgetting it does nothing."""
    catalogue.fail([failure("demo", 9.0)], 1.0)
    catalogue.unchanged(["demo"], 1.0)
    catalogue.forget(["demo"])
    assert catalogue.entry("demo") is None
    assert catalogue.published("demo") == Published()
    assert catalogue.totals() == Totals(0, 0, 0, 0, 0)


def test_commit(catalogue: Catalogue, reopen: Callable[[], Catalogue]) -> None:
    """A commit is true for every later run: the entry, the page, the sums, and that nothing is to be done."""
    catalogue.want([listed("demo", 7)], 1.0)
    one = commit("demo", 7, held("demo", "1.0", size=10), held("demo", "2.0", size=20), missing_since=3.0)
    catalogue.commit([one, commit("other", None)])
    catalogue.close()
    later = reopen()
    assert later.entry("demo") == one.entry
    assert later.published("demo") == one.published
    assert later.published("other") == published("other")
    assert later.totals() == Totals(projects=2, files=2, bytes=30, due=0, behind=0)
    later.close()


@pytest.mark.parametrize(
    ("promised", "serial", "is_due"),
    [(7, 7, False), (7, 8, False), (7, 6, True), (7, None, False), (None, 6, False), (None, None, False)],
)
@pytest.mark.parametrize("known", [True, False])
def test_kept_promise(
    catalogue: Catalogue, promised: int | None, serial: int | None, is_due: bool, known: bool
) -> None:
    """A serial as high as the promised one, or none at all, ends being due and behind; a lower one does not."""
    if known:
        catalogue.want([listed("demo", promised)], 1.0)
        catalogue.fail([failure("demo", 5.0)], 1.0)
    catalogue.commit([commit("demo", serial, promised=promised)])
    assert due_names(catalogue) == (["demo"] if is_due else [])
    assert [one.tries for one in catalogue.behind()] == ([1] if is_due and known else [])


def test_promise_made_meanwhile(catalogue: Catalogue) -> None:
    """A promise made while a project was worked on is not lost by the commit of that work."""
    catalogue.want([listed("demo", 7)], 1.0)
    [entry] = catalogue.due(1.0, "", 1)
    catalogue.promise([listed("demo", 8)], 2.0, {})
    catalogue.commit([commit("demo", 7, promised=entry.promised)])
    assert [(one.name, one.promised, one.serial) for one in catalogue.due(2.0, "", 9)] == [("demo", 8, 7)]


def test_commit_that_is_not_all(catalogue: Catalogue, clock: Clock) -> None:
    """A commit with a failure publishes the better state and leaves the project behind, since its first failure."""
    catalogue.want([listed("a", 7), listed("b", 7)], 1.0)
    catalogue.fail([failure("b", 2.0, "first")], 20.0)
    clock.now = 30.0
    failed = [replace(commit(name, 7), failure=failure(name, 99.0, "one file")) for name in "ab"]
    catalogue.commit([*failed, commit("c", 7)])
    assert list(catalogue.behind()) == [
        Behind("a", "one file", 30.0, 1, 99.0, 7, 7),
        Behind("b", "one file", 20.0, 2, 99.0, 7, 7),
    ]
    assert due_names(catalogue, 98.0) == []
    assert catalogue.totals().projects == 3


def test_twice_in_a_batch(catalogue: Catalogue) -> None:
    """Of two commits of one project in a batch the later one counts, also where it goes back to what was before."""
    catalogue.commit([commit("demo", 1, held("demo", "1.0"))])
    catalogue.commit([commit("demo", 2, held("demo", "2.0")), commit("demo", 3, held("demo", "1.0"))])
    assert catalogue.published("demo") == published("demo", held("demo", "1.0"))
    assert catalogue.entry("demo") == commit("demo", 3).entry


def test_unchanged(catalogue: Catalogue) -> None:
    """A confirmed project is neither due nor behind nor missing, and published as before."""
    catalogue.commit([commit("demo", 7, held("demo"))])
    catalogue.missing(["demo"], 5.0)
    catalogue.fail([failure("demo", 9.0)], 5.0)
    catalogue.unchanged(["demo"], 6.0)
    assert catalogue.entry("demo") == commit("demo", 7).entry
    assert catalogue.published("demo") == published("demo", held("demo"))
    assert catalogue.totals() == Totals(1, 1, 1000, 0, 0)


def test_fail(catalogue: Catalogue) -> None:
    """Each failure is one more try with its reason and next try; the time of the first stays; success ends it."""
    catalogue.want([listed("demo", 7)], 1.0)
    catalogue.fail([failure("demo", 20.0, "first")], 10.0)
    catalogue.fail([failure("demo", 40.0, "second")], 20.0)
    assert list(catalogue.behind()) == [Behind("demo", "second", 10.0, 2, 40.0, 7, None)]
    assert [entry.tries for entry in catalogue.due(40.0, "", 9)] == [2]
    catalogue.commit([commit("demo", 7)])
    assert list(catalogue.behind()) == []
    catalogue.fail([failure("demo", 60.0)], 50.0)
    assert [(one.since, one.tries) for one in catalogue.behind()] == [(50.0, 1)]


def test_missing_since_in_a_failure(catalogue: Catalogue) -> None:
    """A failure may say since when a project is missing; one that does not leaves that as it is."""
    catalogue.want([listed("demo")], 1.0)
    catalogue.fail([failure("demo", 20.0, missing_since=10.0)], 10.0)
    catalogue.fail([failure("demo", 30.0)], 20.0)
    assert [one.missing_since for one in catalogue.due(30.0, "", 9)] == [10.0]


def test_odd_reason(catalogue: Catalogue) -> None:
    """A reason may hold what is no Unicode, such as a part of a file's name, and be longer than is worth keeping."""
    catalogue.want([listed("demo")], 1.0)
    catalogue.fail([failure("demo", 2.0, "cannot read caf\udce9 " + "x" * 10_000)], 1.0)
    [one] = catalogue.behind()
    assert one.reason.startswith("cannot read caf\\udce9 xxx")
    assert len(one.reason) == 1000


def test_absent(catalogue: Catalogue) -> None:
    """What was never published and is missing upstream is absent: told apart from what is behind."""
    catalogue.commit([commit("published", 1)])
    catalogue.want([listed("absent"), listed("behind"), listed("waiting")], 1.0)
    catalogue.fail([failure(name, 9.0, missing_since=1.0) for name in ("absent", "published")], 1.0)
    catalogue.fail([failure("behind", 9.0)], 1.0)
    assert {one.name: one.absent for one in catalogue.behind()} == {
        "absent": True,
        "behind": False,
        "published": False,
    }
    assert catalogue.totals() == Totals(projects=1, files=0, bytes=0, due=4, behind=2, absent=1)


def test_forget(catalogue: Catalogue) -> None:
    """A forgotten project leaves nothing behind; the names may come from the catalogue itself."""
    catalogue.commit([commit("a", 1, held("a")), commit("b", 1, departing=True), commit("c", 1, departing=True)])
    catalogue.forget(name for name in catalogue.departing())
    catalogue.forget(entry.name for entry in catalogue.index())
    assert [catalogue.entry(name) for name in "abc"] == [None] * 3
    assert catalogue.published("a") == Published()
    assert catalogue.totals() == Totals(0, 0, 0, 0, 0)


# --- keys that leave -----------------------------------------------------------------------------------------------


def test_leaving(catalogue: Catalogue, clock: Clock) -> None:
    """Keys leave at the time of their commit; leaving once more does not count; gone from storage, they are gone."""
    clock.now = 10.0
    catalogue.commit([commit("a", 1, leaving=["packages/x", "packages/y"])])
    clock.now = 20.0
    catalogue.commit([commit("a", 2, leaving=["packages/z", "packages/y"])])
    assert leaving_keys(catalogue, 10.0) == []
    assert leaving_keys(catalogue, 20.0) == ["packages/x", "packages/y"]
    assert [catalogue.is_leaving(f"packages/{key}") for key in "xzw"] == [True, True, False]
    catalogue.left(["packages/y", "packages/unknown"])
    assert leaving_keys(catalogue, 20.1) == ["packages/x", "packages/z"]


def test_held_again(catalogue: Catalogue) -> None:
    """A key that a commit holds is not swept: the file, its metadata, its provenance, and the pages."""
    one = held("demo")
    version = (layout.provenance_key("demo", "1.0", one.file.filename),)
    mine = (layout.file_key(one.file), layout.metadata_key(one.file), *version, "simple/demo/index.html")
    catalogue.commit([commit("demo", 1, leaving=[*mine, "packages/other"])])
    catalogue.commit([commit("demo", 2, one, leaving=mine[:1])])
    assert leaving_keys(catalogue, FOREVER) == ["packages/other"]


def test_bare_file_holds_no_companions(catalogue: Catalogue) -> None:
    """Metadata and provenance that are not held any longer are swept though their file stays."""
    one = held("demo")
    companions = [
        layout.provenance_key("demo", "1.0", one.file.filename),
        layout.metadata_key(one.file),
    ]
    bare = replace(one, metadata=None, provenance=False)
    catalogue.commit([commit("demo", 1, bare, leaving=companions)])
    assert leaving_keys(catalogue, FOREVER) == companions


def test_sweep_while_reading(catalogue: Catalogue) -> None:
    """Keys can be taken off the list while it is read, however long it is."""
    keys = [f"packages/{number:06}" for number in range(10_000)]
    catalogue.commit([commit("demo", 1, leaving=keys)])
    seen = []
    for one in catalogue.leaving(FOREVER):
        seen.append(one.key)
        if len(seen) % 1000 == 0:
            catalogue.left(seen[-1000:])
    assert seen == keys
    assert leaving_keys(catalogue, FOREVER) == []


# --- the trash -----------------------------------------------------------------------------------------------------


def test_trash(catalogue: Catalogue) -> None:
    """What is buried is not swept any more, is known with its reason, and goes when its time is over."""
    catalogue.commit([commit("demo", 1, leaving=["packages/x", "packages/y"])])
    catalogue.bury([Buried("packages/x", "demo", "deleted", 60.0, 100.0)])
    assert leaving_keys(catalogue, FOREVER) == ["packages/y"]
    assert list(catalogue.buried()) == [Buried("packages/x", "demo", "deleted", 60.0, 100.0)]
    assert list(catalogue.buried(100.0)) == []
    assert (catalogue.is_buried("packages/x"), catalogue.is_leaving("packages/x")) == (True, False)
    assert [one.key for one in catalogue.buried(100.1)] == ["packages/x"]
    catalogue.purge(["packages/x"])
    assert list(catalogue.buried()) == []


def test_held_again_from_the_trash(catalogue: Catalogue) -> None:
    """A file that is held again is not in the trash any more."""
    one = held("demo")
    key = layout.file_key(one.file)
    catalogue.bury([Buried(key, "demo", "deleted", 60.0, 100.0)])
    catalogue.commit([commit("demo", 2, one)])
    assert list(catalogue.buried()) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [("demo-more", "guest"), ("guest", "demo-more"), ("demo-more", "demo"), ("demo", "demo-more")],
)
def test_file_of_two_projects(catalogue: Catalogue, first: str, second: str) -> None:
    """A file that two projects link leaves when the second of them drops it, whether one or both bear its name."""
    one = held("demo-more")
    key = layout.file_key(one.file)
    catalogue.commit([commit(first, 1, one), commit(second, 1, one)])
    catalogue.commit([commit(first, 2, leaving=[key])])
    assert leaving_keys(catalogue, FOREVER) == []
    catalogue.commit([commit(second, 2, leaving=[key])])
    assert leaving_keys(catalogue, FOREVER) == [key]


# --- the list of projects ------------------------------------------------------------------------------------------


def test_index(catalogue: Catalogue) -> None:
    """The list names the indexed projects in the order of names, as they are spelled, with their serials."""
    catalogue.want([listed("wanted")], 1.0)
    catalogue.commit([commit("b", 2, display="B"), commit("a", None), commit("quarantined", 3, indexed=False)])
    assert list(catalogue.index()) == [Listed("a", "a", None), Listed("b", "B", 2)]


def test_long_index(catalogue: Catalogue) -> None:
    """A list longer than any buffer is whole; one that is not read to its end is in nobody's way."""
    names = [f"p{number:05}" for number in range(10_000)]
    catalogue.commit([commit(name, 1) for name in names])
    next(catalogue.index())
    catalogue.forget(names[:1])
    assert [one.name for one in catalogue.index()] == names[1:]


def test_departing(catalogue: Catalogue) -> None:
    """Departing projects are named."""
    catalogue.commit([commit("b", 1, departing=True, indexed=False), commit("a", 1)])
    assert catalogue.departing() == ["b"]


@pytest.mark.parametrize(
    ("change", "is_stale"),
    [
        (lambda c: c.commit([commit("new", 1)]), True),
        (lambda c: c.commit([commit("new", 1, indexed=False)]), False),
        (lambda c: c.commit([commit("shown", 5)]), True),
        (lambda c: c.commit([commit("shown", 1, display="Shown")]), True),
        (lambda c: c.commit([commit("shown", 1, indexed=False)]), True),
        (lambda c: c.commit([commit("shown", 1, held("shown"), digest="other")]), False),
        (lambda c: c.commit([commit("hidden", 5, indexed=False)]), False),
        (lambda c: c.commit([commit("hidden", 1)]), True),
        (lambda c: take_list(c, 1.0, listed("shown", 1, "Shown")), True),
        (lambda c: take_list(c, 1.0, listed("shown", 9), listed("new", 9)), False),
        (lambda c: c.promise([listed("shown", 1, "Shown")], 1.0, {}), True),
        (lambda c: c.forget(["shown"]), True),
        (lambda c: c.forget(["hidden"]), False),
        (lambda c: c.unchanged(["shown"], 1.0), False),
    ],
)
def test_stale_index(catalogue: Catalogue, change: Callable[[Catalogue], None], is_stale: bool) -> None:
    """The list of projects is known to be stale exactly when one of its lines changed."""
    catalogue.commit([commit("shown", 1), commit("hidden", 1, indexed=False)])
    catalogue.set({STALE: None})
    change(catalogue)
    assert catalogue.get(STALE) == ("1" if is_stale else None)
    change(catalogue)
    assert catalogue.get(STALE) == ("1" if is_stale else None)


# --- the mirror's serial -------------------------------------------------------------------------------------------


def test_serial(catalogue: Catalogue) -> None:
    """The mirror's serial is the list's, held back by the lowest promise that is not kept."""
    assert catalogue.serial() is None
    catalogue.commit([commit("kept", 90)])
    assert catalogue.serial() is None
    take_list(catalogue, 1.0, listed("kept", 90), listed("a", 40), listed("b", 30), **{"list-serial": "100"})
    assert catalogue.serial() == 29
    catalogue.commit([commit("b", 30)])
    catalogue.fail([failure("a", FOREVER)], 2.0)
    assert catalogue.serial() == 39
    catalogue.commit([commit("a", 41)])
    assert catalogue.serial() == 100


def test_serial_of_what_is_due_anyway(catalogue: Catalogue) -> None:
    """A project that is due though its promise is kept, or that was never promised, does not hold the serial back."""
    catalogue.commit([commit("kept", 90)])
    catalogue.want([listed("wanted")], 1.0)
    catalogue.make_due(1.0)
    catalogue.set({"list-serial": "100"})
    assert catalogue.serial() == 100


def test_serial_never_above_the_list(catalogue: Catalogue) -> None:
    """A promise beyond the list's serial does not lift the mirror's above it."""
    catalogue.promise([listed("demo", 500)], 1.0, {"list-serial": "100"})
    assert catalogue.serial() == 100


def test_serial_that_is_none(catalogue: Catalogue) -> None:
    """A list's serial that is no number is an error that says so."""
    catalogue.set({"list-serial": "many"})
    with pytest.raises(CatalogueError, match="'many', not a number"):
        catalogue.serial()


# --- runs, threads, errors -----------------------------------------------------------------------------------------


def test_runs(catalogue: Catalogue) -> None:
    """A run is recorded at its beginning and again at its end; the newest come first."""
    for number in range(1, 6):
        catalogue.record_run(RunRecord(float(number), None, "", None))
    catalogue.record_run(RunRecord(4.0, 4.5, "clean", 77))
    assert catalogue.last_runs(2) == [RunRecord(5.0, None, "", None), RunRecord(4.0, 4.5, "clean", 77)]
    assert [run.started for run in catalogue.last_runs(9)] == [5.0, 4.0, 3.0, 2.0, 1.0]


def test_many_threads(catalogue: Catalogue) -> None:
    """Calls from many threads at once are all carried out."""
    catalogue.want([listed(f"p{number}") for number in range(60)], 1.0)

    def work(number: int) -> int:
        catalogue.commit([commit(f"p{number}", 1, held(f"p{number}"))])
        return len(list(catalogue.index()))

    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(work, range(60))) == 60
    assert catalogue.totals() == Totals(60, 60, 60_000, 0, 0)


@pytest.mark.parametrize(
    "use",
    [
        lambda c: c.want([listed("fine"), listed("demo", 2**63)], 1.0),
        lambda c: c.commit([commit("fine", 1), commit("demo", 2**64)]),
        lambda c: c.commit([commit("fine", 1), commit("demo", 1, digest="\udc80")]),
        lambda c: c.commit([commit("fine", 1), commit("demo", 1, replace(held("demo"), metadata="\udc80"))]),
        lambda c: take_list(c, 1.0, listed("fine", 1), listed("demo", -(2**65))),
    ],
)
def test_values_that_cannot_be_kept(catalogue: Catalogue, use: Callable[[Catalogue], None]) -> None:
    """A value out of range is the port's own error, and nothing of its batch is kept."""
    with pytest.raises(CatalogueError, match="cannot hold this"):
        use(catalogue)
    assert catalogue.entry("fine") is None
    catalogue.want([listed("afterwards")], 1.0)
    assert due_names(catalogue) == ["afterwards"]


def test_closed(catalogue: Catalogue) -> None:
    """A closed catalogue can be closed again, and everything else is the port's error."""
    catalogue.close()
    catalogue.close()
    with pytest.raises(CatalogueError, match="closed"):
        catalogue.totals()


# --- suspects ------------------------------------------------------------------------------------------------------


def test_suspect(catalogue: Catalogue) -> None:
    """What is suspect is due at once and in doubt, its files too where that is said; a commit ends it all."""
    catalogue.commit([commit(name, 7, held(name)) for name in ("file", "page", "sound")])
    catalogue.commit([commit("gone", 7, departing=True), commit("none", 7, published=False)])
    catalogue.fail([failure("page", FOREVER)], 1.0)
    catalogue.suspect(["file"], 10.0, files=True)
    catalogue.suspect(["file", "page", "gone", "none", "stranger"], 11.0, files=False)
    [file, page] = catalogue.due(11.0, "", 9)
    assert (file.name, file.suspect, file.selection) == ("file", True, "")
    assert (page.name, page.suspect, page.selection, page.tries) == ("page", False, "", 1)
    catalogue.commit([commit("file", 7, held("file"))])
    assert catalogue.entry("file") == commit("file", 7).entry
    assert due_names(catalogue) == ["page"]


def test_doubt_empty(catalogue: Catalogue) -> None:
    """Pages without files are in doubt where upstream has no serials, and no others are."""
    catalogue.commit([commit("files", None, held("files")), commit("numbered", 7), commit("empty", None)])
    catalogue.commit([commit("gone", None, departing=True, indexed=False), commit("none", None, published=False)])
    catalogue.doubt_empty(10.0)
    [empty] = catalogue.due(10.0, "", 9)
    assert (empty.name, empty.selection) == ("empty", "")


def test_suspect_outlives_failures(catalogue: Catalogue) -> None:
    """A try that failed ends no suspicion."""
    catalogue.commit([commit("file", 7, held("file"))])
    catalogue.suspect(["file"], 10.0, files=True)
    catalogue.fail([failure("file", 20.0)], 11.0)
    [entry] = catalogue.due(20.0, "", 9)
    assert entry.suspect


# --- what becomes visible before its commit --------------------------------------------------------------------------


def test_expected(catalogue: Catalogue) -> None:
    """What is expected of a project is known until its commit, the latest word in place of the ones before."""
    catalogue.expect({"a": ["packages/a"], "b": ["packages/b"]})
    catalogue.expect({"a": ["packages/a", "simple/a"]})
    assert list(catalogue.expected()) == [("a", "packages/a"), ("a", "simple/a"), ("b", "packages/b")]
    catalogue.commit([commit("a", 1, held("a"))])
    assert list(catalogue.expected()) == [("b", "packages/b")]


def test_abandoned(catalogue: Catalogue) -> None:
    """What became visible without a commit is to be swept, unless a page has it; then nothing is expected any more."""
    catalogue.commit([commit("a", 1, held("a"))])
    kept = layout.file_key(held("a").file)
    catalogue.expect({"a": [kept, "packages/new"], "b": ["simple/b"]})
    visible = [Leaving(key, project, "cut off") for project, key in catalogue.expected()]
    catalogue.abandon(visible)
    assert leaving_keys(catalogue) == ["packages/new", "simple/b"]
    assert list(catalogue.expected()) == []


def test_leave(catalogue: Catalogue, clock: Clock) -> None:
    """What nothing knew waits to be swept from now on; what a commit holds again does not."""
    wheel = held("demo")
    key = layout.file_key(wheel.file)
    clock.now = 70.0
    catalogue.leave([Leaving(key, "demo", "nothing knew it"), Leaving("packages/stranger", reason="nothing knew it")])
    assert leaving_keys(catalogue, 70.0) == []
    assert [one.reason for one in catalogue.leaving(70.1)] == ["nothing knew it", "nothing knew it"]
    assert catalogue.is_leaving(key)
    catalogue.commit([commit("demo", 7, wheel)])
    assert leaving_keys(catalogue) == ["packages/stranger"]


def test_copy(catalogue: Catalogue, tmp_path: Path) -> None:
    """A copy is all of it, as it is now; the original goes on."""
    catalogue.commit([commit("demo", 7, held("demo"))])
    catalogue.copy(str(tmp_path / "copy"))
    catalogue.commit([commit("later", 8)])
    with closing(SqliteCatalogue(tmp_path / "copy")) as copied:
        assert copied.entry("demo") == commit("demo", 7).entry
        assert copied.published("demo") == commit("demo", 7, held("demo")).published
        assert copied.entry("later") is None

"""The proof of completeness: what it says of a mirror, and what another machine finds with it."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bandersnatch.assemble import verifying
from bandersnatch.assemble.selection import choose
from bandersnatch.errors import UsageError
from bandersnatch.storage.glance import Glance
from bandersnatch.testing import Status
from bandersnatch.upkeep.auditing import Audit, Auditor
from bandersnatch.upkeep.checking import check, trusted
from bandersnatch.upkeep.comparing import Question, compare
from bandersnatch.verify.base import Finding, Kind
from bandersnatch.verify.reading import Pace, Reader
from tests.upkeep.conftest import Kept
from tests.upkeep.test_repairing import flip
from tests.verify.conftest import ALL

BY_LIST = Question()


def audit(tree: Kept, question: Question = BY_LIST, **settings: Any) -> tuple[Audit, list[str]]:
    """The sum, and the report."""
    config = tree.config(**settings)
    lines: list[str] = []
    with verifying.beside_upstream(config, {}, choose(config).selection) as (runner, mirror, ground):
        assert runner.run(compare(mirror, question, tree.now + 100, lambda _: None)) == ""
        found = Auditor(ground, "here", lines.append).run(ALL, tree.now + 100)
    return found, lines


def reasons(lines: list[str]) -> dict[str, str]:
    """What is incomplete, and why."""
    found = [json.loads(line) for line in lines]
    whole = {one["project"]: "; ".join(one["problems"]) for one in found if "problems" in one}
    return whole | {one["incomplete"]: one["reason"] for one in found if isinstance(one.get("incomplete"), str)}


def checked(tree: Kept, lines: list[str], web: Path, *, contents: bool = True) -> list[Finding]:
    trusted(lines)
    with closing(Glance(web, served="")) as place:
        return list(check(lines, place, Reader(place, Pace(0)), contents=contents))


def test_complete(tree: Kept) -> None:
    """A mirror that has everything is complete, and says so in the same bytes each time."""
    found, lines = audit(tree)
    assert (found.projects, found.files, found.incomplete, found.absent) == (3, 7, 0, 0)
    assert reasons(lines) == {}
    assert audit(tree)[1] == lines
    assert [json.loads(line)["project"] for line in lines[1:4]] == ["alpha", "beta", "gamma"]


@pytest.mark.parametrize("file", [1, {"sha256": "a"}, {"key": 1, "sha256": "a"}, {"key": "a"}])
def test_report_of_nonsense(tree: Kept, file: object) -> None:
    """A line that no audit writes is refused, be the digest of the report right."""
    first = json.dumps({"project": "alpha", "pages": {}, "files": [file]})
    last = json.dumps({"digest": hashlib.sha256(first.encode() + b"\n").hexdigest()})
    with pytest.raises(UsageError, match="alpha has a file without a key"):
        checked(tree, [first, last], tree.web)


def test_counted_once(tree: Kept) -> None:
    """A project that is damaged and behind as well is one that is not complete."""
    flip(tree.stored("beta", "beta-1.0-py3-none-any.whl"))
    tree.index.upload("beta", "3.0")
    found, lines = audit(tree)
    assert found.incomplete == 1
    assert [json.loads(line).get("incomplete") for line in lines if '"beta"' in line] == [None, "beta"]


def test_upstream_is_asked_little(tree: Kept) -> None:
    """One list, and no page where the list says enough."""
    tree.index.upload("beta", "3.0")
    tree.index.upload("delta", "1.0")
    tree.upstream.reset()
    found, lines = audit(tree)
    assert reasons(lines) == {
        "beta": "serial 12 is published, and upstream has 17",
        "delta": "nothing of it is published here yet",
    }
    assert found.incomplete == 2
    assert tree.upstream.count("/simple/") == 1
    assert tree.upstream.count("/simple/?*") == 0
    assert tree.run().outcome == "clean"
    assert audit(tree)[0].incomplete == 0


def test_pages(tree: Kept) -> None:
    """Where the pages are asked for, the difference is told from them."""
    tree.index.upload("beta", "3.0")
    tree.index.yank("beta", "1.0", "broken")
    _, lines = audit(tree, Question(pages=True))
    assert reasons(lines) == {
        "beta": "1 file is not here, such as beta-3.0-py3-none-any.whl; "
        "1 file is described otherwise, such as beta-1.0-py3-none-any.whl"
    }


def test_damage_and_behind(tree: Kept) -> None:
    """What is damaged, and what upstream does not give, is named with the reason, each project once."""
    flip(tree.stored("alpha", "alpha-1.0-py3-none-any.whl"))
    (tree.web / "simple/alpha/index.html").write_text("<p>Hello")
    tree.index.upload("gamma", "2.0")
    tree.upstream.fault("/packages/*gamma-2.0*", Status(503), times=None)
    assert tree.run().outcome == "behind"
    found, lines = audit(tree)
    assert found.incomplete == 2
    assert reasons(lines).keys() == {"alpha", "gamma"}
    assert "wrong-bytes: packages/" in reasons(lines)["alpha"]
    tree.upstream.clear_faults()
    tree.now += 10_000
    tree.repair()
    assert audit(tree)[0].incomplete == 0


def test_list_of_projects(tree: Kept) -> None:
    """A damaged list of projects makes a mirror incomplete."""
    (tree.web / "simple/index.v1_json").unlink()
    found, lines = audit(tree)
    assert found.incomplete == 1
    assert reasons(lines) == {"": "missing-index: simple/index.v1_json"}


def test_rules(tree: Kept) -> None:
    """What the rules do not want is not missed; what they want since is."""
    narrow: dict[str, Any] = {"files__types": ["wheel"], "exclude__projects": ["gamma"]}
    tree.run(accept_removals=True, **narrow)
    assert audit(tree, **narrow)[0].incomplete == 0
    assert audit(tree)[0].incomplete > 0


def test_changes_nothing(tree: Kept) -> None:
    """An audit leaves catalogue and tree as they are."""
    tree.index.upload("delta", "1.0")
    before = tree.tree(), (tree.state / "catalogue.sqlite").read_bytes()
    audit(tree)
    assert (tree.tree(), (tree.state / "catalogue.sqlite").read_bytes()) == before


# --- elsewhere -----------------------------------------------------------------------------------------------------


def test_check(tree: Kept, tmp_path: Path) -> None:
    """A copy of the web tree is as the report says; each planted damage is found."""
    _, lines = audit(tree)
    web = tmp_path / "elsewhere"
    shutil.copytree(tree.web, web)
    assert checked(tree, lines, web) == []
    gone = web / "simple/beta/index.v1_json"
    gone.unlink()
    wheel = next(web.glob("packages/*/*/*/alpha-1.0-*.whl"))
    flip(wheel)
    next(web.glob("packages/*/*/*/gamma-1.0.tar.gz")).write_bytes(b"short")
    (web / "simple/index.v1_json").write_text("{}")
    kinds = {Kind.MISSING_PAGE, Kind.WRONG_BYTES, Kind.WRONG_SIZE, Kind.STALE_INDEX}
    assert {one.kind for one in checked(tree, lines, web)} == kinds
    assert {one.kind for one in checked(tree, lines, web, contents=False)} == kinds - {Kind.WRONG_BYTES}


def test_report_that_was_changed(tree: Kept) -> None:
    """A report that was changed, cut off, or is none is refused."""
    _, lines = audit(tree)
    for wrong in (lines[:-1], [], ["[]"], [lines[0], *lines[2:]], [line.replace("alpha", "alpine") for line in lines]):
        with pytest.raises(UsageError):
            trusted(wrong)

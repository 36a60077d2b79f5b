"""docs/reference/selection.md against the code: its sections and its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bandersnatch.assemble.selection import choose
from bandersnatch.config.load import load
from bandersnatch.model import Project
from bandersnatch.selection import Rule, Selection, platforms
from bandersnatch.selection.advisories import AdvisoryRule
from bandersnatch.selection.affected import Advisory
from bandersnatch.selection.configured import Configured
from bandersnatch.selection.cooldown import CoolDown
from bandersnatch.selection.environments import Environment
from bandersnatch.selection.files import Line, MaxProjectSize, MaxSize, Python, UploadedAfter, UploadedBefore
from bandersnatch.selection.metadata import MetadataRule
from bandersnatch.selection.platform_rules import Environments, ExcludedPlatforms, ExcludedPythons
from bandersnatch.selection.releases import Newest, NoDevelopment, NoPrereleases, NoYanked
from bandersnatch.selection.usage import UnusedFor
from bandersnatch.values import replace
from tests.docs.markdown import ROOT
from tests.selection.samples import CONTEXT, file, subject, versions

PAGE = (ROOT / "docs" / "reference" / "selection.md").read_text("utf-8")

EVERY_RULE = """
[select]
everything = true
[releases]
prereleases = false
development = false
yanked = false
unwanted = ["x"]
at-least = 1
at-most = 9
newest = 1
[files]
types = ["wheel"]
names = ["*"]
exclude-names = ["x"]
max-size = 1
max-project-size = 1
uploaded-after = "2020-01-01"
uploaded-before = "2021-01-01"
python = ["3.11"]
environments = ["linux"]
exclude-platforms = ["windows"]
exclude-pythons = ["2.7"]
[environments.linux]
python = ["3.11"]
platforms = ["linux"]
[metadata]
wanted = { license = ["*"] }
[cool-down]
age = "1d"
[usage]
unused-for = "180d"
share = "99%"
"""


def section(heading: str) -> str:
    """The text below *heading*, up to the next one of any level."""
    return re.split(r"^#+ ", PAGE.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.M)[0]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of the tables in *text*, the head left out."""
    for line in re.findall(r"^\| (.*) \|$", text, re.M)[1:]:
        yield [cell.strip() for cell in line.split("|")]


@pytest.fixture
def orders(tmp_path: Path) -> list[list[str]]:
    """The names of all rules in the order in which they are asked; two of them exclude each other."""
    path = tmp_path / "mirror.conf"
    (tmp_path / "osv.json").write_text("[]")
    text = f'{EVERY_RULE}[advisories]\ndirectory = "{tmp_path}/osv.json"\n'
    orders = []
    for variant in (text, text.replace("\nyanked = false", "") + '[removal]\nyanked = "hide"\n'):
        path.write_text(variant)
        selection = choose(load(path, {})).selection
        assert selection.newest is not None
        orders.append([*(rule.name for rule in selection.rules), selection.newest.name])
    return orders


def test_every_rule_has_its_section(orders: list[list[str]]) -> None:
    """The sections below "Rules" are all rules there are, in the order in which they are asked."""
    headings = [one for one in re.findall(r"^### (.+)$", PAGE, re.M) if one != "Third-party rules"]
    for order in orders:
        assert [one for one in headings if one in order] == order
    assert set(headings) == {one for order in orders for one in order}


def test_every_rule_of_the_code_is_there(orders: list[list[str]]) -> None:
    """No rule was written that no configuration leads to."""

    def kinds(of: type[Configured]) -> Iterator[type[Configured]]:
        for kind in of.__subclasses__():
            yield kind
            yield from kinds(kind)

    ours = {vars(one).get("name") for one in kinds(Configured) if one.__module__.startswith("bandersnatch.")}
    # A class without a name of its own is a base; with slots, its name is a descriptor.
    assert {name for name in ours if isinstance(name, str)} <= {one for order in orders for one in order}


WHEEL, SDIST = file("demo-1.0-py3-none-any.whl"), file("demo-1.0.tar.gz")
UNREADABLE = file("demo-2004d.tar.gz")
LINUX = Environment("linux", "cpython", ("3.11",), ("manylinux_2_28_x86_64",))
UNKNOWN: dict[str, tuple[Rule, object]] = {
    "`releases.prereleases`": (NoPrereleases(), UNREADABLE),
    "`releases.development`": (NoDevelopment(), UNREADABLE),
    "`releases.yanked`": (NoYanked(), SDIST),
    "`files.max-size`": (MaxSize(9), SDIST),
    "`files.max-project-size`": (MaxProjectSize(9), replace(SDIST, size=1)),
    "`files.uploaded-after`": (UploadedAfter(Line(moment=0.0)), SDIST),
    "`files.uploaded-before`": (UploadedBefore(Line(moment=9e9)), SDIST),
    "`files.python`": (Python(("3.11",)), replace(SDIST, requires_python="whatever")),
    "`files.environments`": (Environments((LINUX,)), file("demo-1.0.whl")),
    "`files.exclude-platforms`": (ExcludedPlatforms(("windows",)), SDIST),
    "`files.exclude-pythons`": (ExcludedPythons(("3.11",)), SDIST),
    '`metadata`, `missing = "keep"`': (MetadataRule.of({"license": ["MIT"]}), SDIST),
    '`metadata`, `missing = "drop"`': (MetadataRule.of({"license": ["MIT"]}, missing="drop"), SDIST),
    "`metadata`, `unwanted`": (MetadataRule.of(unwanted={"license": ["MIT"]}), SDIST),
    '`cool-down`, `clock = "upload"`': (CoolDown(age=1.0), SDIST),
    '`cool-down`, `clock = "first-seen"`': (CoolDown(age=1.0, clock="first-seen"), SDIST),
    "`advisories`, `severity`": (
        AdvisoryRule.of({"demo": (Advisory("X", versions="1.0"),)}, severity="critical"), SDIST,
    ),
    "`usage.unused-for`, `usage.share`": (UnusedFor("180d"), SDIST),
}  # fmt: skip


def test_what_is_not_known() -> None:
    """Each row of the table is what the rule does with a file of which nothing but the name is known."""
    table = {rule: then for rule, _, then in rows(section("What is not known"))}
    assert table.keys() == UNKNOWN.keys()
    for key, (rule, one) in UNKNOWN.items():
        # The second file, of no known size, makes the size of the project unknown.
        page = Project("demo", (one, WHEEL))  # type: ignore[arg-type]  # each is a file
        verdict = rule.judge(subject(one, page))  # type: ignore[arg-type]  # as before
        assert verdict.wanted == (table[key] == "passes"), key


def test_newest() -> None:
    """Each example of the newest is what is kept."""
    examples = list(rows(section("releases.newest")))
    assert len(examples) >= 5
    for count, counts, releases, kept in examples:
        files = [
            file(f"demo-{text.strip('[]')}.tar.gz", yanked="" if text.startswith("[") else None)
            for text in releases.split()
        ]
        newest = Newest(int(count), counts_prereleases=counts == "yes")
        selected = Selection(everything=True, newest=newest).apply(Project("demo", tuple(files)), CONTEXT)
        assert versions(selected) == kept.split(), releases


def test_platforms() -> None:
    """Each spelling of a platform means what the table says."""
    spellings = list(rows(section("Environments")))
    assert len(spellings) >= 10
    for written, meant in spellings:
        assert platforms.parse(written.strip("`")).tag == meant.strip("`")
    assert "macosx_11_0_universal2" in platforms.parse("macosx_14_0_arm64").tags()
    assert "manylinux2014_x86_64" in platforms.parse("manylinux_2_28_x86_64").tags()

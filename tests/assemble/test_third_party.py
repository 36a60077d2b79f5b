from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from bandersnatch.assemble.selection import choose
from bandersnatch.config.load import load
from bandersnatch.errors import BadContent, UsageError
from bandersnatch.model import File, Project
from bandersnatch.selection import Context, Motive, Selection
from bandersnatch.sync import events
from tests.sync.conftest import World, world

__all__ = ["world"]

MODULE = "rules_of_others"

GOOD = """
from bandersnatch.selection import Motive, Origin, Verdict

class Rule:
    def __init__(self, table, **more):
        self.name, self.digest = "rules.one", "1"
        self.__dict__.update(table, **more)

    def judge(self, subject):
        return Verdict(self.name, subject.release != "1.0", "not the first")
"""

PAGE = Project("demo", tuple(File(f"demo-{version}.tar.gz", "https://example.org/", "0" * 64) for version in "12"))

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts distributions on the path, each with rules: entry points and the source of the module behind them."""

    def install(source: str, *names: str, distribution: str = "others") -> None:
        site = tmp_path / distribution
        info = site / f"{distribution}-1.0.dist-info"
        info.mkdir(parents=True)
        (site / f"{MODULE}.py").write_text(GOOD + dedent(source))
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        points = "".join(f"{name} = {MODULE}:{name}\n" for name in names)
        (info / "entry_points.txt").write_text(f"[bandersnatch.rules]\n{points}")
        monkeypatch.syspath_prepend(site)
        monkeypatch.delitem(sys.modules, MODULE, raising=False)

    return install


@pytest.fixture
def configure(tmp_path: Path) -> Callable[[str], Selection]:
    """Writes a configuration that selects everything with *text* from line 3 on, and makes its selection."""

    def configure(text: str) -> Selection:
        path = tmp_path / "mirror.conf"
        path.write_text("[select]\neverything = true\n" + text)
        return choose(load(path, {})).selection

    return configure


Configure = Callable[[str], Selection]


def test_several_rules_of_one_table(install: Install, configure: Configure) -> None:
    """A factory may give several rules; each judges, and a verdict without a place gets that of the table."""
    install("def one(table): return [Rule({}), Rule({}, name='rules.two')]\n", "one")
    selection = configure("[rules.one]\n")
    assert [rule.name for rule in selection.rules] == ["rules.one", "rules.two"]
    [first, _] = selection.explain(PAGE, Context(0.0))
    assert [verdict.rule for verdict in first.verdicts] == ["select.everything", "rules.one", "rules.two"]
    assert str(first.verdicts[1].origin).endswith("mirror.conf:3)")


def test_a_rule_may_know_its_place_better(install: Install, configure: Configure) -> None:
    """A verdict that has a place keeps it, and what a rule asks for beside the protocol reaches the selection."""
    install(
        """
        class one(Rule):
            scope = "release"
            needs_metadata = needs_first_seen = True

            def judge(self, subject):
                return Verdict(self.name, False, "no", Origin("rules.one.list", "x"))
        """,
        "one",
    )
    selection = configure("[rules.one]\n")
    assert selection.explain(PAGE, Context(0.0))[0].deciding.origin.key == "rules.one.list"  # type: ignore[union-attr]  # it has one
    assert selection.needs_metadata("demo")
    assert selection.needs_first_seen


def test_motive(install: Install, configure: Configure) -> None:
    """Why a rule refuses is what it says of itself, by choice if it says nothing, whatever its verdicts say."""
    install(
        """
        class Not(Rule):
            def judge(self, subject):
                return Verdict(self.name, False, "no", motive=Motive.YANK)

        class Harmful(Not):
            motive = Motive.HARM

        def one(table): return [Not({}, name="rules.not.yanked"), Harmful({}, name="rules.two")]
        """,
        "one",
    )
    [explained, _] = configure("[rules.one]\n").explain(PAGE, Context(0.0))
    assert [verdict.motive for verdict in explained.verdicts[1:]] == [Motive.CHOICE, Motive.HARM]


def test_the_digest_is_the_rules(install: Install, configure: Configure) -> None:
    """Another digest of a rule makes pages anew; the same one does not."""
    install("one = Rule\n", "one")
    first, same, other = (configure(f'[rules.one]\ndigest = "{digest}"\n') for digest in "aab")
    assert first.fingerprint("demo") == same.fingerprint("demo") != other.fingerprint("demo")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def one(table): raise RuntimeError('no luck')", "the rule could not be made: RuntimeError: no luck"),
        ("one = 3", "rules_of_others:one cannot be called with the table to make a rule"),
        ("1 / 0", "rules_of_others:one cannot be loaded: ZeroDivisionError: division by zero"),
        ("", "rules_of_others:one cannot be loaded: AttributeError: module 'rules_of_others' has no attribute 'one'"),
        (
            "def one(table): pass",
            "what was made is no rule: NoneType has no name and no digest and no method judge",
        ),
        ("def one(table): return Rule", "what was made is no rule: type has no name and no digest"),
        ("def one(table): return Rule(table, judge=None)", "what was made is no rule: one has no method judge"),
        ("def one(table): return Rule(table, digest=3)", "what was made is no rule: one has the digest 3, which is no"),
        ("def one(table): return [Rule({}), Rule({}, name='')]", "what was made is no rule: one has the name ''"),
        (
            "def one(table): return Rule(table, scope='all')",
            "what was made is no rule: one has the scope 'all', which is none of file, release, project",
        ),
        ("def one(table): return Rule(table, motive=7)", "what was made is no rule: one has the motive 7, which is no"),
    ],
)
def test_what_is_no_rule(install: Install, configure: Configure, source: str, message: str) -> None:
    """Whatever is wrong with a rule is told with the line of its table, and never as a traceback."""
    install(source.replace("Rule(", "type('one', (Rule,), {})("), "one")
    with pytest.raises(UsageError) as caught:
        configure("\n[rules.one]\n")
    assert f"mirror.conf:4: rules.one: {message}" in str(caught.value)


def test_the_key_of_a_table(install: Install, configure: Configure) -> None:
    """A rule that complains of a key gets the line of the key, however it names it; without a key, the table's."""
    install(
        """
        from bandersnatch.errors import Problem, UsageError

        def one(table):
            raise UsageError(Problem("x", key="two"), Problem("y", key="rules.one.three"), "z", Problem("w", "else", 7))
        """,
        "one",
    )
    with pytest.raises(UsageError) as caught:
        configure("[rules.one]\nthree = 3\ntwo = 2\n")
    places = [(one.message, one.line, one.key) for one in caught.value.problems]
    assert places == [("x", 5, "rules.one.two"), ("y", 4, "rules.one.three"), ("z", 3, "rules.one"), ("w", 7, None)]


def test_a_name_that_nobody_has(install: Install, configure: Configure) -> None:
    """Every table without a rule is told at once, with the nearest name or all that there are."""
    install("one = three = Rule\n", "one", "three")
    with pytest.raises(UsageError) as caught:
        configure("[rules.thee]\n[rules.licences]\n")
    [first, second] = map(str, caught.value.problems)
    assert "mirror.conf:3: rules.thee: no installed distribution has an entry point of this name" in first
    assert first.endswith('; did you mean "three"?')
    assert "mirror.conf:4: rules.licences: " in second
    assert second.endswith("; there are one, three")


def test_a_name_that_two_have(install: Install, configure: Configure) -> None:
    """Which of two rules of one name is meant is not guessed."""
    install("one = Rule\n", "one")
    install("one = Rule\n", "one", distribution="further")
    with pytest.raises(UsageError, match=r"bring a rule of this name: further .*, others .*; keep one"):
        configure("[rules.one]\n")


def test_problems_of_rules_come_with_the_others(configure: Configure) -> None:
    """A rule that is not there does not hide what else is wrong."""
    with pytest.raises(UsageError) as caught:
        configure('[advisories]\ndirectory = "/not/there"\n[rules.one]\n')
    assert len(caught.value.problems) == 2


def test_a_verdict_that_is_none(install: Install, configure: Configure) -> None:
    """A rule that answers with something else than a verdict is named, with the file."""
    install("class one(Rule):\n    def judge(self, subject): return True\n", "one")
    with pytest.raises(BadContent, match=r"demo-1\.tar\.gz: the rule rules\.one failed: it answers True"):
        configure("[rules.one]\n").apply(PAGE, Context(0.0))


def test_a_rule_that_fails(world: World, install: Install, tmp_path: Path) -> None:
    """The project that a rule fails for is behind with the reason, as it was before; the others are mirrored."""
    for name in ("alpha", "beta"):
        world.index.upload(name, "1.0")
        world.index.upload(name, "2.0")
    world.run()
    install(
        "class one(Rule):\n    def judge(self, s): return super().judge(s if s.project.name == 'beta' else 0)\n", "one"
    )
    world.configuration = tmp_path / "mirror.conf"
    world.configuration.write_text("[rules.one]\n")
    assert world.run().outcome == "behind"
    [late] = world.of(events.FellBehind)
    assert (late.project, late.reason.partition(": the ")[2]) == (
        "alpha", "rule rules.one failed: AttributeError: 'int' object has no attribute 'release'",
    )  # fmt: skip
    assert [len(world.filenames(name)) for name in ("alpha", "beta")] == [2, 1]

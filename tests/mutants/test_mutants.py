"""The list of mutants is about the code as it is today, and a mutant that matters is noticed."""

from __future__ import annotations

import ast
import subprocess
import sys

from tests.mutants.catalogue import LIST, Catalogue
from tests.mutants.making import mutants, replaced
from tests.mutants.running import ROOT

CATALOGUE = Catalogue.read(LIST)
INVARIANTS = {str(number) for number in range(1, 14)}


def test_by_hand() -> None:
    """What was broken by hand can still be broken there, once, and is Python then; each invariant has its mutant."""
    for one in CATALOGUE.broken:
        source = (ROOT / one.path).read_text("utf-8")
        ast.parse(replaced(source, one.function, one.before, one.after))
        assert all((ROOT / test.partition("::")[0]).exists() for test in one.tests), one.name
    assert {one.promise for one in CATALOGUE.broken} >= INVARIANTS


def test_excuses() -> None:
    """No excuse is left for a mutant that is not made any more, and each says why."""
    for guarded in CATALOGUE.guarded:
        made = {str(one) for one in mutants((ROOT / guarded.path).read_text("utf-8"), guarded.only)}
        for excuse in CATALOGUE.excuses:
            if excuse.path == guarded.path:
                assert set(excuse.mutants) <= made, set(excuse.mutants) - made
                assert len(excuse.reason) > 20


def test_page() -> None:
    """The page has every mutant that was made by hand, and no promise whose breaking nobody noticed."""
    text = (ROOT / "docs" / "explanation" / "mutants.md").read_text("utf-8")
    assert [one.name for one in CATALOGUE.broken if one.name not in text] == []
    assert "**nothing**" not in text


def test_what_is_made() -> None:
    """Comparisons, conditions, constants, results and statements are changed; messages and docstrings are not."""
    source = 'def f(a):\n    """Doc."""\n    if a < 3 and a:\n        g("x")\n    raise E("no")\n    return a\n'
    changes = {one.change for one in mutants(source)}
    assert {"a < 3 → a <= 3", "a < 3 and a → a < 3 or a", "3 → 4", "'x' → 'x!'", "return a → return None"} <= changes
    assert {"g('x') → nothing", "raise E('no') → nothing", "if a < 3 and a: → if not (a < 3 and a):"} <= changes
    assert not {change for change in changes if "'no!'" in change or "Doc" in change}


def test_one_is_noticed() -> None:
    """A mutant takes the module's place in the tests' process, and what failed first is told."""
    code = (
        "from tests.mutants.running import preload, run; preload();"
        "path = 'src/bandersnatch/names.py'; test = ('tests/domain/test_names.py::test_normalise',);"
        "source = open(path).read();"
        "print(run(path, source, test, 60).by, run(path, source + '\\nnormalise = str.upper\\n', test, 60).by)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(" tests/domain/test_names.py::test_normalise[")

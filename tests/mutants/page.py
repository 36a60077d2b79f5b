"""docs/explanation/mutants.md, out of the list and the results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.mutants.catalogue import Catalogue

Found = Mapping[tuple[str, str, str], str | None]
"""By kind, path and name: what killed the mutant, empty if it lives, None if it was not run yet."""

_HEAD = """\
<!-- Made from tests/mutants/list.toml and a run by: make mutants -->

# Broken on purpose

A test that cannot fail proves nothing. So the code that keeps the promises is broken on purpose, in two ways, and the
tests have to notice. `make mutants` does it all again, about half an hour on one core; what was noticed before is not
run again while nothing changed. What became of a mutant stands here until its own line changes.

## Each promise, by hand

A person who knows the code broke each [invariant](design.md#invariants) once, in the function that keeps it.
The last column is the first test that failed.

| promise | what was broken | where | noticed by |
|---|---|---|---|
"""

_MADE = """
## Every line that guards

Of the modules that paths, commits and removals lean on, mutants are made by a program: each comparison, condition,
constant and result changed, each statement left out, one at a time. `tests/mutants/list.toml` says which tests are run
for which module.

| module | mutants | noticed | excused | lived when last run | not run yet |
|---|---|---|---|---|---|
"""

_UNFINISHED = """
The run behind this table is not finished, and some that lived were last run before the tests grew: `make mutants`
goes on with both.
"""

_EXCUSED = """
## Excused

A mutant that does the same as the original cannot be noticed. Each of these was looked at.

| module | mutant | why it may live |
|---|---|---|
"""


def render(catalogue: Catalogue, found: Found) -> str:
    """The page."""
    broken = [
        (
            one.promise,
            one.name,
            f"`{_module(one.path)}` {_code(one.function)}",
            _by(found["broken", one.path, one.name]),
        )
        for one in catalogue.broken
    ]
    excused = [(f"`{_module(one.path)}`", _code(name), one.reason) for one in catalogue.excuses for name in one.mutants]
    unfinished = _UNFINISHED if None in found.values() else ""
    lines = [_HEAD, _rows(broken), _MADE, _rows(_counts(catalogue, found)), unfinished, _EXCUSED, _rows(excused)]
    return "".join(lines)


def _counts(catalogue: Catalogue, found: Found) -> Iterable[tuple[str, ...]]:
    total = [0, 0, 0, 0, 0]
    for guarded in catalogue.guarded:
        made = {name: by for (kind, path, name), by in found.items() if (kind, path) == ("made", guarded.path)}
        killed = sum(bool(by) for by in made.values())
        excuses = [name for name, by in made.items() if not by and catalogue.excuse(guarded.path, name)]
        live = sum(by == "" and name not in excuses for name, by in made.items())
        counts = [len(made), killed, len(excuses), live, len(made) - killed - len(excuses) - live]
        total = [before + now for before, now in zip(total, counts, strict=True)]
        what = f" ({', '.join(guarded.only)})" if guarded.only else ""
        yield (f"`{_module(guarded.path)}`{what}", *map(str, counts))
    yield ("all", *map(str, total))
    yield (f"noticed, of those that were run: {100 * total[1] / max(1, total[1] + total[3]):.1f} %", "", "", "", "", "")


def _rows(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join("| " + " | ".join(rows_).rstrip() + " |\n" for rows_ in rows)


def _by(test: str | None) -> str:
    if test is None:
        return "not run yet since the code changed"
    return f"`{test.partition('[')[0]}`" if "::" in test else test or "**nothing**"


def _module(path: str) -> str:
    return path.removeprefix("src/bandersnatch/")


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"

"""docs/explanation/mutants.md, out of the list and the results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.mutants.catalogue import Catalogue

Found = Mapping[tuple[str, str, str], str]
"""By kind, path and name: what killed the mutant, empty if it lives."""

_HEAD = """\
<!-- Made from tests/mutants/list.toml and a run by: make mutants -->

# Broken on purpose

A test that cannot fail proves nothing. So the code that keeps the promises is broken on purpose, in two ways, and the
tests have to notice. `make mutants` does it all again, about half an hour on one core; what was noticed before is not
run again while nothing changed.

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

| module | mutants | noticed | excused | live |
|---|---|---|---|---|
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
    lines = [_HEAD, _rows(broken), _MADE, _rows(_counts(catalogue, found)), _EXCUSED, _rows(excused)]
    return "".join(lines)


def _counts(catalogue: Catalogue, found: Found) -> Iterable[tuple[str, ...]]:
    total = [0, 0, 0, 0]
    for guarded in catalogue.guarded:
        made = {name: by for (kind, path, name), by in found.items() if (kind, path) == ("made", guarded.path)}
        killed = sum(bool(by) for by in made.values())
        excused = sum(not by and bool(catalogue.excuse(guarded.path, name)) for name, by in made.items())
        counts = [len(made), killed, excused, len(made) - killed - excused]
        total = [before + now for before, now in zip(total, counts, strict=True)]
        what = f" ({', '.join(guarded.only)})" if guarded.only else ""
        yield (f"`{_module(guarded.path)}`{what}", *map(str, counts))
    able = total[0] - total[2]
    yield ("all", *map(str, total))
    yield (f"noticed of those that can be: {100 * total[1] / able:.1f} %", "", "", "", "")


def _rows(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join("| " + " | ".join(rows_).rstrip() + " |\n" for rows_ in rows)


def _by(test: str) -> str:
    return f"`{test.partition('[')[0]}`" if "::" in test else test or "**nothing**"


def _module(path: str) -> str:
    return path.removeprefix("src/bandersnatch/")


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"

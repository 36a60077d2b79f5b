"""Rules that other distributions bring: found by entry point, made from their tables, and checked before they count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from bandersnatch.config import spelling
from bandersnatch.errors import BadContent, Problem, UsageError
from bandersnatch.selection import Motive, Origin, Rule, Subject, Verdict
from bandersnatch.values import replace

GROUP = "bandersnatch.rules"
"""The entry points of third-party rules; ``[rules.NAME]`` is for the one that is called NAME."""

SCOPES = ("file", "release", "project")

Where = Callable[..., Origin]
"""Where the table of a rule stands, by the rule's name; with a further argument, where that key of it does."""


@dataclass(frozen=True, slots=True)
class ThirdParty:
    """A rule of somebody else's: what it gets wrong concerns one project, and its verdicts name its table."""

    rule: Rule = field(repr=False)
    name: str
    digest: str
    scope: str
    needs_metadata: bool
    needs_first_seen: bool
    motive: Motive
    origin: Origin

    def judge(self, subject: Subject) -> Verdict:
        """
        The rule's own verdict. Raises BadContent if it has none.

        To a run that is as a page that cannot be read: the project stays as it is, is behind, and is tried again.
        """
        try:
            verdict = self.rule.judge(subject)
        except Exception as error:  # it is others' code: whatever goes wrong in it must not end the run
            raise self._failed(subject, f"{type(error).__name__}: {error}") from error
        if not isinstance(verdict, Verdict):
            raise self._failed(subject, f"it answers {verdict!r:.80}, which is no Verdict")
        return replace(verdict, origin=verdict.origin or self.origin, motive=self.motive)

    def _failed(self, subject: Subject, what: str) -> BadContent:
        return BadContent(f"{subject.file.filename}: the rule {self.name} failed: {what}")


def rules(tables: Mapping[str, Mapping[str, object]], where: Where) -> tuple[Rule, ...]:
    """
    The rules that *tables* configure, by the names of their entry points.

    Raises UsageError with all problems: rules that are not there, that cannot be made, and what is no rule.
    """
    if not tables:
        return ()
    known: dict[str, list[EntryPoint]] = {}
    for one in entry_points(group=GROUP):
        known.setdefault(one.name, []).append(one)
    found: list[Rule] = []
    problems: list[Problem] = []
    for name, table in tables.items():
        try:
            found += _made(_load(name, known), table, where(name))
        except UsageError as error:
            problems += [_placed(one, name, where) for one in error.problems]
    if problems:
        raise UsageError(*problems)
    return tuple(found)


def _load(name: str, known: Mapping[str, list[EntryPoint]]) -> Callable[[dict[str, object]], object]:
    """The factory that the entry point called *name* leads to."""
    points = known.get(name, [])
    if not points:
        near = spelling.nearest(name, list(known))
        hint = f'did you mean "{near}"?' if near else f"there are {', '.join(sorted(known)) or 'none at all'}"
        raise UsageError(f"no installed distribution has an entry point of this name in {GROUP}; {hint}")
    if len(points) > 1:
        several = ", ".join(f"{one.dist.name if one.dist else '?'} ({one.value})" for one in points)
        raise UsageError(f"several installed distributions bring a rule of this name: {several}; keep one of them")
    try:
        factory: Any = points[0].load()
    except Exception as error:  # to load it is to run others' code
        raise UsageError(f"{points[0].value} cannot be loaded: {type(error).__name__}: {error}") from error
    if not callable(factory):
        raise UsageError(f"{points[0].value} cannot be called with the table to make a rule")
    return factory  # type: ignore[no-any-return]  # that it can be called is all that can be known of it


def _made(factory: Callable[[dict[str, object]], object], table: Mapping[str, object], origin: Origin) -> list[Rule]:
    """The rules that *factory* makes of *table*: one of them, or several."""
    try:
        made = factory(dict(table))
        return [_checked(one, origin) for one in (made if isinstance(made, (list, tuple)) else (made,))]
    except UsageError:
        raise
    except Exception as error:  # it is others' code: whatever goes wrong in it is the operator's to hear
        raise UsageError(f"the rule could not be made: {type(error).__name__}: {error}") from error


def _checked(made: Any, origin: Origin) -> Rule:
    """*made* as a rule, if it has what the protocol asks for."""
    faults = list(_faults(made))
    if faults:
        raise UsageError(f"what was made is no rule: {type(made).__name__} has {' and '.join(faults)}")
    return ThirdParty(
        made,
        made.name,
        made.digest,
        getattr(made, "scope", "file"),
        bool(getattr(made, "needs_metadata", False)),
        bool(getattr(made, "needs_first_seen", False)),
        getattr(made, "motive", Motive.CHOICE),
        origin,
    )


def _faults(made: Any) -> Iterator[str]:
    for text in ("name", "digest"):
        value = getattr(made, text, None)
        if not isinstance(value, str) or not value:
            yield f"no {text}" if value is None else f"the {text} {value!r:.40}, which is no text"
    if not callable(getattr(made, "judge", None)):
        yield "no method judge"
    if getattr(made, "scope", "file") not in SCOPES:
        yield f"the scope {made.scope!r:.40}, which is none of {', '.join(SCOPES)}"
    if not isinstance(getattr(made, "motive", Motive.CHOICE), Motive):
        yield f"the motive {made.motive!r:.40}, which is no Motive"


def _placed(problem: Problem, name: str, where: Where) -> Problem:
    """*problem* with the line of the table, or of the key of it that the rule complains of."""
    if problem.file is not None:
        return problem
    key = (problem.key or "").removeprefix(f"rules.{name}").removeprefix(".")
    origin = where(name, key) if key else where(name)
    return replace(problem, file=origin.file, line=origin.line, key=origin.key)

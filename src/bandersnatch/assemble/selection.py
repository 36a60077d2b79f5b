"""From a configuration to a selection: items with their lines, and rules in the order in which ``why`` tells them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from bandersnatch.assemble import counting, third_party
from bandersnatch.config.load import Loaded
from bandersnatch.config.options import BY_NAME
from bandersnatch.config.schema import Config, value_of
from bandersnatch.config.values import format_duration, format_ratio
from bandersnatch.config.write import written as as_written
from bandersnatch.errors import Problem, StorageError, UsageError
from bandersnatch.inputs import advisories as advisory_files
from bandersnatch.inputs import files as requirement_files
from bandersnatch.inputs import globs
from bandersnatch.inputs.findings import Read, Wanted
from bandersnatch.selection import Item, Items, Origin, Rule, Selection
from bandersnatch.selection import files as of_files
from bandersnatch.selection import releases as of_releases
from bandersnatch.selection.advisories import AdvisoryRule
from bandersnatch.selection.cooldown import CoolDown
from bandersnatch.selection.environments import Environment
from bandersnatch.selection.metadata import MetadataRule
from bandersnatch.selection.platform_rules import Environments, ExcludedPlatforms, ExcludedPythons
from bandersnatch.selection.usage import OfUse, Share, UnusedFor
from bandersnatch.values import Struct, replace


class Chosen(Struct, frozen=True):
    """What the operator wants, and what of it may have been meant differently."""

    selection: Selection
    warnings: tuple[Problem, ...] = ()
    constraints: tuple[str, ...] = ()
    """Of requirement files (``-c``), for whoever looks for what the items need in turn."""


def choose(source: Config | Loaded) -> Chosen:
    """
    The selection of a configuration, with the files that it names. Closures of dependencies are added by ``closing``.

    A ``Loaded`` configuration knows the lines that verdicts come from. Raises UsageError with all problems at once.
    """
    return _Choosing(source).result()


def environments(config: Config) -> tuple[Environment, ...]:
    """The environments that the mirror serves: those that ``[files] environments`` names, or else all there are."""
    named = config.files.environments
    return tuple(config.environments[name] for name in named) if named else tuple(config.environments.values())


class _Choosing:
    def __init__(self, source: Config | Loaded) -> None:
        self._loaded = source if isinstance(source, Loaded) else None
        self._config = source if isinstance(source, Config) else source.config
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []
        self._constraints: list[str] = []
        self._admitted = Items()

    def result(self) -> Chosen:
        config = self._config
        items = self._items("select.projects", "select.from-files", "select.whole-from-files")
        self._admitted = items
        exclusions = self._items("exclude.projects", "exclude.from-files")
        index_only = self._items("select.index-only", ranges=False)
        rules = tuple(self._rules())
        if self._problems:
            raise UsageError(*self._problems)
        newest = config.releases.newest
        selection = Selection(
            everything=self._origin("select.everything") if config.select.everything else False,
            items=items,
            exclusions=exclusions,
            index_only=index_only,
            rules=rules,
            newest=of_releases.Newest(
                newest,
                config.releases.newest_by,
                config.releases.newest_counts_prereleases,
                origin=self._origin("releases.newest"),
            )
            if newest
            else None,
            waive_for=config.releases.waive_for,
            environments=tuple(one for each in environments(config) for one in each.marker_environments()),
        )
        return Chosen(selection, tuple(self._warnings), tuple(self._constraints))

    # --- items -----------------------------------------------------------------------------------------------------

    def _items(self, key: str, *from_files: str, ranges: bool = True) -> Items:
        written = list(self._written(key))
        for origin in (one for name in from_files for one in self._written(name)):
            written += self._from_files(origin)
        try:
            return Items.read(written, ranges=ranges)
        except UsageError as error:
            self._problems += error.problems
            return Items()

    def _from_files(self, origin: Origin) -> Iterator[Origin]:
        """The items of the file that *origin* names, or of all that its glob stands for now."""
        path, _, part = origin.text.partition("#")
        found = globs.files(path)
        if not found:
            self._warnings.append(Problem(f'no file is called like "{path}"', origin.file, origin.line, origin.key))
        for file in found:
            yield from self._from_file(origin.key, file, part)

    def _from_file(self, key: str, file: Path, part: str) -> Iterator[Origin]:
        try:
            read = requirement_files.read(file, select=part)
        except UsageError as error:
            self._problems += error.problems
            return
        self._warnings += read.warnings
        self._constraints += [one.text for one in read.constraints]
        for wanted in whole(read) if key == "select.whole-from-files" else constrained(read):
            yield Origin(key, wanted.text, wanted.file, wanted.line)

    def _written(self, key: str) -> Iterator[Origin]:
        """The items of a list, each with the line it stands on."""
        if self._loaded is not None:
            for text, file, line in self._loaded.item_origins(key):
                yield Origin(key, text, file, line)
            return
        items = value_of(self._config, key)
        assert isinstance(items, tuple), f"{key} is no list"
        for text in items:
            yield Origin(key, text)

    def _origin(self, key: str) -> Origin:
        """Where the value of a key that holds one value stands."""
        text = _shown(as_written(BY_NAME[key], value_of(self._config, key)))
        if self._loaded is None:
            return Origin(key, text)
        origin = self._loaded.origins[key]
        return Origin(key, text, origin.place if origin.source == "file" else str(origin), origin.line)

    # --- rules -----------------------------------------------------------------------------------------------------

    def _rules(self) -> Iterator[Rule]:
        yield from self._of_releases()
        yield from self._of_files()
        yield from self._of_platforms()
        yield from self._of_metadata()
        yield from self._of_age()
        yield from self._of_advisories()
        yield from self._of_use()
        yield from self._of_others()

    def _of_releases(self) -> Iterator[Rule]:
        chosen, origin = self._config.releases, self._origin
        if not chosen.prereleases:
            yield of_releases.NoPrereleases(origin=origin("releases.prereleases"))
        if not chosen.development:
            yield of_releases.NoDevelopment(origin=origin("releases.development"))
        if not chosen.yanked:
            yield of_releases.NoYanked(origin=origin("releases.yanked"))
        elif self._config.removal.yanked == "hide":
            yield of_releases.HiddenYanked(origin=origin("removal.yanked"))
        if chosen.unwanted:
            yield of_releases.Unwanted(chosen.unwanted, origin=origin("releases.unwanted"))
        exempt = self._items("releases.count-exempt", ranges=False)
        if chosen.at_least:
            yield of_releases.AtLeast(chosen.at_least, exempt=exempt, origin=origin("releases.at-least"))
        if chosen.at_most:
            yield of_releases.AtMost(chosen.at_most, exempt=exempt, origin=origin("releases.at-most"))

    def _of_files(self) -> Iterator[Rule]:
        chosen, origin = self._config.files, self._origin
        if chosen.types:
            yield of_files.Types(chosen.types, origin=origin("files.types"))
        if chosen.names:
            yield of_files.Names(chosen.names, origin=origin("files.names"))
        if chosen.exclude_names:
            yield of_files.ExcludedNames(chosen.exclude_names, origin=origin("files.exclude-names"))
        if chosen.max_size is not None:
            yield of_files.MaxSize(chosen.max_size, origin=origin("files.max-size"))
        if chosen.max_project_size is not None:
            exempt = self._items("files.max-project-size-exempt", ranges=False)
            yield of_files.MaxProjectSize(
                chosen.max_project_size, exempt=exempt, origin=origin("files.max-project-size")
            )
        if chosen.uploaded_after is not None:
            yield of_files.UploadedAfter(_line(chosen.uploaded_after), origin=origin("files.uploaded-after"))
        if chosen.uploaded_before is not None:
            yield of_files.UploadedBefore(_line(chosen.uploaded_before), origin=origin("files.uploaded-before"))
        if chosen.python:
            yield of_files.Python(chosen.python, origin=origin("files.python"))

    def _of_platforms(self) -> Iterator[Rule]:
        chosen, origin = self._config.files, self._origin
        if chosen.environments:
            yield Environments(environments(self._config), origin=origin("files.environments"))
        if chosen.exclude_platforms:
            yield ExcludedPlatforms(chosen.exclude_platforms, origin=origin("files.exclude-platforms"))
        if chosen.exclude_pythons:
            yield ExcludedPythons(chosen.exclude_pythons, origin=origin("files.exclude-pythons"))

    def _of_metadata(self) -> Iterator[Rule]:
        chosen = self._config.metadata
        if chosen.wanted or chosen.all or chosen.unwanted:
            try:
                yield MetadataRule.of(chosen.wanted, chosen.all, chosen.unwanted, chosen.missing)
            except UsageError as error:
                self._problems += error.problems

    def _of_age(self) -> Iterator[Rule]:
        chosen = self._config.cool_down
        if chosen.age or chosen.not_after is not None:
            yield CoolDown(
                chosen.age,
                chosen.clock,
                None if chosen.not_after is None else chosen.not_after.timestamp(),
                self._items("cool-down.exempt"),
                self._items("cool-down.break-glass"),
                origin=self._origin("cool-down.age" if chosen.age else "cool-down.not-after"),
            )

    def _of_advisories(self) -> Iterator[Rule]:
        chosen = self._config.advisories
        if chosen.directory is None:
            return
        try:
            read = advisory_files.read(chosen.directory).checked()
            self._warnings += read.warnings
            rule = AdvisoryRule.of(
                read.by_name,
                severity=chosen.severity,
                malicious=chosen.malicious,
                ids=chosen.ids,
                allow=chosen.allow,
            )
            self._warnings += [
                Problem(f"{one.text!r}: no advisory has anything to do with it", one.file, one.line, one.key)
                for one in rule.unmatched
            ]
            yield rule
        except UsageError as error:
            self._problems += error.problems

    def _of_use(self) -> Iterator[Rule]:
        """The rules about use; where the statistics cannot be read, everything counts as used."""
        chosen = self._config.usage
        if not (chosen.unused_for or chosen.share):
            return
        exempt, named = self._items("usage.exempt", ranges=False), _by_name(self._admitted)
        try:
            with counting.usage(self._config, datetime.now(UTC)) as usage:
                if chosen.unused_for:
                    told = (format_duration(chosen.unused_for), *_unused(usage, chosen.unused_for), exempt, named)
                    yield UnusedFor(*told, origin=self._origin("usage.unused-for"))
                if chosen.share:
                    told = (
                        format_duration(chosen.share_over),
                        *_unused(usage, chosen.share_over, chosen.share),
                        exempt,
                        named,
                    )
                    yield Share(*told, format_ratio(chosen.share), origin=self._origin("usage.share"))
        except StorageError as error:
            self._warnings.append(Problem(f"everything counts as used: {error}", key="[usage]"))

    def _of_others(self) -> Iterator[Rule]:
        """Rules that other distributions bring, each made from its own table."""
        try:
            yield from third_party.rules(self._config.rules, self._table)
        except UsageError as error:
            self._problems += error.problems

    def _table(self, name: str, *key: str) -> Origin:
        """Where ``[rules.NAME]`` stands, or a key in it."""
        path = ("rules", name, *key)
        if self._loaded is None:
            return Origin(".".join(path))
        place = self._loaded.origins[f"rules.{name}"].place
        return Origin(".".join(path), file=place, line=self._loaded.lines.of(*path))


def _unused(usage: counting.Usage | None, seconds: float, share: float | None = None) -> tuple[frozenset[str], str]:
    """The projects that were not used for so long, and why nothing can be said about that, if so."""
    if usage is None:
        return frozenset(), "nothing was counted yet, so it counts as used"
    span = timedelta(seconds=seconds)
    resting = usage.resting(span)
    return frozenset() if resting else usage.unused(span, share), resting


def _by_name(items: Items) -> Items:
    """Those that are no patterns."""
    return Items(tuple(item for item in items if item.pattern is None))


def _shown(value: object) -> str:
    """A value for people, much as they wrote it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _line(value: datetime | timedelta) -> of_files.Line:
    if isinstance(value, timedelta):
        return of_files.Line(age=value.total_seconds())
    return of_files.Line(moment=value.timestamp())


# --- items of a file -------------------------------------------------------------------------------------------------


def whole(read: Read) -> Iterator[Wanted]:
    """The projects that a requirements file names, each once and without versions, extras and markers."""
    named: dict[str, Wanted] = {}
    for wanted in read.items:
        name = Requirement(wanted.text).name
        named.setdefault(canonicalize_name(name), replace(wanted, text=name))
    yield from named.values()


def constrained(read: Read) -> Iterator[Wanted]:
    """
    The items of a requirements file, narrowed by the constraints (``-c``) for the same project.

    A constraint that has a marker does not narrow: elsewhere the whole range is needed.
    """
    limits: dict[str, SpecifierSet] = {}
    for one in read.constraints:
        requirement = _requirement(one.text)
        if requirement is not None and requirement.marker is None:
            name = canonicalize_name(requirement.name)
            limits[name] = limits.get(name, SpecifierSet()) & requirement.specifier
    for wanted in read.items:
        requirement = _requirement(wanted.text)
        limit = None if requirement is None else limits.get(canonicalize_name(requirement.name))
        if requirement is None or limit is None:
            yield wanted
        else:
            requirement.specifier &= limit
            yield replace(wanted, text=str(requirement))


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None  # a pattern: no constraint is about it


def with_closure(selection: Selection, closure: Iterable[Origin]) -> Selection:
    """
    *selection* with the items of a *closure* in place of those that it was found for.

    They are among the closure, with the versions that its policy takes of them. Patterns stay as they are.
    """
    patterns = (item for item in selection.items if item.pattern is not None)
    items: tuple[Item, ...] = (*patterns, *Items.read(closure))
    # What is needed is wanted, used or not.
    rules = (
        dataclasses.replace(rule, named=_by_name(Items(items))) if isinstance(rule, OfUse) else rule
        for rule in selection.rules
    )
    return replace(selection, items=Items(items), rules=tuple(rules))

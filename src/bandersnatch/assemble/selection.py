"""From a configuration to a selection: items with their lines, and rules in the order in which ``why`` tells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bandersnatch.config.load import Loaded
from bandersnatch.config.options import BY_NAME
from bandersnatch.config.schema import Config, value_of
from bandersnatch.config.selection_options import EVERY
from bandersnatch.config.values import format_duration, format_ratio
from bandersnatch.config.write import written as as_written
from bandersnatch.errors import Problem, StorageError, UsageError
from bandersnatch.selection import Item, Items, Origin, Rule, Selection
from bandersnatch.values import Struct, replace

# What reads files, and what makes rules, is imported where the configuration asks for it: most have few of them.
if TYPE_CHECKING:
    from bandersnatch.assemble.counting import Usage
    from bandersnatch.selection.environments import Environment
    from bandersnatch.selection.files import Line
    from bandersnatch.selection.releases import Newest


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
    named = () if EVERY in config.files.environments else config.files.environments
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
        selection = Selection(
            everything=self._origin("select.everything") if config.select.everything else False,
            items=items,
            exclusions=exclusions,
            index_only=index_only,
            rules=rules,
            newest=self._newest(),
            waive_for=config.releases.waive_for,
            environments=tuple(one for each in environments(config) for one in each.marker_environments()),
        )
        return Chosen(selection, tuple(self._warnings), tuple(self._constraints))

    def _newest(self) -> Newest | None:
        chosen = self._config.releases
        if not chosen.newest:
            return None
        from bandersnatch.selection.releases import Newest

        return Newest(
            chosen.newest, chosen.newest_by, chosen.newest_counts_prereleases, origin=self._origin("releases.newest")
        )

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
        from bandersnatch.inputs import globs

        path, _, part = origin.text.partition("#")
        found = globs.files(path)
        if not found:
            self._warnings.append(Problem(f'no file is called like "{path}"', origin.file, origin.line, origin.key))
        for file in found:
            yield from self._from_file(origin.key, file, part)

    def _from_file(self, key: str, file: Path, part: str) -> Iterator[Origin]:
        from bandersnatch.assemble.requirements import constrained, whole
        from bandersnatch.inputs import files as requirement_files

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
        yield from self._of_versions()
        yield from self._of_numbers()
        yield from self._of_files()
        yield from self._of_platforms()
        yield from self._of_metadata()
        yield from self._of_age()
        yield from self._of_advisories()
        yield from self._of_use()
        yield from self._of_others()

    def _of_versions(self) -> Iterator[Rule]:
        chosen, origin = self._config.releases, self._origin
        hides_yanked = self._config.removal.yanked == "hide"
        if chosen.prereleases and chosen.development and chosen.yanked and not (hides_yanked or chosen.unwanted):
            return
        from bandersnatch.selection import releases

        if not chosen.prereleases:
            yield releases.NoPrereleases(origin=origin("releases.prereleases"))
        if not chosen.development:
            yield releases.NoDevelopment(origin=origin("releases.development"))
        if not chosen.yanked:
            yield releases.NoYanked(origin=origin("releases.yanked"))
        elif hides_yanked:
            yield releases.HiddenYanked(origin=origin("removal.yanked"))
        if chosen.unwanted:
            yield releases.Unwanted(chosen.unwanted, origin=origin("releases.unwanted"))

    def _of_numbers(self) -> Iterator[Rule]:
        chosen, origin = self._config.releases, self._origin
        exempt = self._items("releases.count-exempt", ranges=False)
        if not (chosen.at_least or chosen.at_most):
            return
        from bandersnatch.selection.releases import AtLeast, AtMost

        if chosen.at_least:
            yield AtLeast(chosen.at_least, exempt=exempt, origin=origin("releases.at-least"))
        if chosen.at_most:
            yield AtMost(chosen.at_most, exempt=exempt, origin=origin("releases.at-most"))

    def _of_files(self) -> Iterator[Rule]:
        chosen, origin = self._config.files, self._origin
        limits = (chosen.max_size, chosen.max_project_size, chosen.uploaded_after, chosen.uploaded_before)
        lists = (chosen.types, chosen.names, chosen.exclude_names, chosen.python)
        if not any(lists) and all(limit is None for limit in limits):
            return
        from bandersnatch.selection import files as of_files

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
        if not (chosen.environments or chosen.exclude_platforms or chosen.exclude_pythons):
            return
        from bandersnatch.selection.platform_rules import Environments, ExcludedPlatforms, ExcludedPythons

        if chosen.environments and EVERY not in chosen.environments:
            yield Environments(environments(self._config), origin=origin("files.environments"))
        if chosen.exclude_platforms:
            yield ExcludedPlatforms(chosen.exclude_platforms, origin=origin("files.exclude-platforms"))
        if chosen.exclude_pythons:
            yield ExcludedPythons(chosen.exclude_pythons, origin=origin("files.exclude-pythons"))

    def _of_metadata(self) -> Iterator[Rule]:
        chosen = self._config.metadata
        if chosen.wanted or chosen.all or chosen.unwanted:
            from bandersnatch.selection.metadata import MetadataRule

            try:
                yield MetadataRule.of(chosen.wanted, chosen.all, chosen.unwanted, chosen.missing)
            except UsageError as error:
                self._problems += error.problems

    def _of_age(self) -> Iterator[Rule]:
        chosen = self._config.cool_down
        if chosen.age or chosen.not_after is not None:
            from bandersnatch.selection.cooldown import CoolDown

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
        from bandersnatch.inputs import advisories as advisory_files
        from bandersnatch.selection.advisories import AdvisoryRule

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
        from bandersnatch.assemble import counting
        from bandersnatch.selection.usage import Share, UnusedFor

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
        if not self._config.rules:
            return
        from bandersnatch.assemble import third_party

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


def _unused(usage: Usage | None, seconds: float, share: float | None = None) -> tuple[frozenset[str], str]:
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


def _line(value: datetime | timedelta) -> Line:
    from bandersnatch.selection.files import Line

    if isinstance(value, timedelta):
        return Line(age=value.total_seconds())
    return Line(moment=value.timestamp())


def with_closure(selection: Selection, closure: Iterable[Origin]) -> Selection:
    """
    *selection* with the items of a *closure* in place of those that it was found for.

    They are among the closure, with the versions that its policy takes of them. Patterns stay as they are.
    """
    import dataclasses

    from bandersnatch.selection.usage import OfUse

    patterns = (item for item in selection.items if item.pattern is not None)
    items: tuple[Item, ...] = (*patterns, *Items.read(closure))
    # What is needed is wanted, used or not.
    rules = (
        dataclasses.replace(rule, named=_by_name(Items(items))) if isinstance(rule, OfUse) else rule
        for rule in selection.rules
    )
    return replace(selection, items=Items(items), rules=tuple(rules))

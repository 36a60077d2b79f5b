"""The selection: what is admitted, what is excluded, which rules hold; applied and explained by the same steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from bandersnatch.model import Project
from bandersnatch.selection.base import Context, Dropped, Explained, Origin, Rule, Selected, Verdict
from bandersnatch.selection.digests import digest_of
from bandersnatch.selection.items import Items
from bandersnatch.selection.judging import Judged, Named, Page
from bandersnatch.values import Struct, field, replace

if TYPE_CHECKING:
    from bandersnatch.selection.releases import Newest


class Selection(Struct, frozen=True, dict=True):
    """
    What the operator wants of upstream.

    A file is wanted if an item admits it, no exclusion is about it, every rule lets it pass, and it is among the
    newest. An item more never removes anything; the order of items and of rules changes nothing but which of several
    refusals is named. Every project's name is normalised.
    """

    everything: Origin | bool = False
    """What admits all projects, where anything does."""
    items: Items = field(default_factory=Items)
    """What admits projects and versions."""
    exclusions: Items = field(default_factory=Items)
    index_only: Items = field(default_factory=Items)
    """Projects that are admitted, whose pages point at upstream's files; whatever else admits them."""
    rules: tuple[Rule, ...] = ()
    newest: Newest | None = None
    """Judged last, for each admitting item apart; None keeps all."""
    waive_for: str = "none"
    """
    What need not pass the rules about versions, nor be among the newest: nothing (``none``), what one of ``items``
    pins (``pins``), or what one of them admits by any range (``ranges``).
    """
    environments: tuple[Mapping[str, str], ...] = ()
    """Variables of markers (PEP 508) by name, of every machine that the mirror serves; empty: markers do not narrow."""

    @classmethod
    def of(cls, requirements: Iterable[str]) -> Selection:
        """The projects and versions of *requirements*. Raises UsageError with every one that cannot be used."""
        return cls(items=Items.read(Origin("select.projects", text) for text in requirements))

    # --- by name ---

    @cached_property
    def names(self) -> frozenset[str] | None:
        """Every wanted project; None if patterns or everything need the list of all projects."""
        named, index_only = self._items.names, self._index_only.names
        if self.everything or named is None or index_only is None:
            return None
        return frozenset(name for name in named | index_only if self.wants(name))

    def wants(self, name: str) -> bool:
        """Whether any file of the project can be wanted; in constant time."""
        if not (self.everything or self._items.of_name(name) or self._index_only.of_name(name)):
            return False
        exclusions = self._exclusions.of_name(name)
        return not (exclusions and any(item.is_whole for item in exclusions))

    def is_index_only(self, name: str) -> bool:
        """Whether nothing of the project is stored."""
        return bool(self._index_only.of_name(name))

    def needs_metadata(self, name: str) -> bool:
        """Whether a rule asks for the core metadata of the project's releases (``Context.metadata``)."""
        return any(getattr(rule, "needs_metadata", False) for rule in self.rules) and self.wants(name)

    @property
    def needs_first_seen(self) -> bool:
        """Whether a rule asks when files were seen first (``Context.first_seen``)."""
        return any(getattr(rule, "needs_first_seen", False) for rule in self.rules)

    # --- by page ---

    def apply(self, project: Project, context: Context) -> Selected:
        """The wanted part of *project*. Applying it again to that part changes nothing."""
        named = self._named(project.name)
        if named.is_whole and not (named.exclusions or self.rules or self.newest):
            return Selected(project)
        judged = self._judge(named, project, context, thorough=False)
        kept = tuple(one.subject.file for one in judged if one.refusal is None)
        dropped = tuple(Dropped(one.subject.file, one.refusal) for one in judged if one.refusal is not None)
        until = min((one.until for one in judged if one.until is not None), default=None)
        return Selected(replace(project, files=kept), dropped, until)

    def explain(self, project: Project, context: Context) -> tuple[Explained, ...]:
        """Every verdict about every file of *project*, in the order of its page: what ``apply`` does, and why."""
        judged = self._judge(self._named(project.name), project, context, thorough=True)
        return tuple(_explained(one.subject.file.filename, tuple(one.verdicts)) for one in judged)

    def explain_name(self, name: str) -> Explained:
        """What can be said about a project without its page."""
        return _explained("", self._named(name).by_name())

    # --- what a page depends on ---

    def fingerprint(self, name: str) -> str:
        """
        Changes whenever the same page of the project could be selected differently.

        A rule that has a method ``fingerprint(name)`` is asked that instead of its digest.
        """
        named = self._named(name)
        if not named.is_wanted:
            return digest_of("not wanted")
        rules = sorted(rule.fingerprint(name) if hasattr(rule, "fingerprint") else rule.digest for rule in self.rules)
        return digest_of(named.fingerprint, rules, self.newest and self.newest.digest)

    @cached_property
    def digest(self) -> str:
        """Changes whenever any project's fingerprint could."""
        items = [sorted({item.identity for item in one}) for one in (self._items, self._exclusions, self._index_only)]
        rules = sorted(rule.digest for rule in self.rules)
        return digest_of(bool(self.everything), items, rules, self.newest and self.newest.digest, self.waive_for)

    # --- inside ---

    @cached_property
    def _items(self) -> Items:
        return self.items.counting(self.environments)

    @cached_property
    def _exclusions(self) -> Items:
        return self.exclusions.counting(self.environments)

    @cached_property
    def _index_only(self) -> Items:
        return self.index_only.counting(self.environments)

    def _named(self, name: str) -> Named:
        everything = Origin("select.everything") if self.everything is True else self.everything or None
        items = self._items.of_name(name)
        elsewhere = self.items.of_name(name) if not items and self._items is not self.items else ()
        return Named(
            everything,
            items,
            self._index_only.of_name(name),
            self._exclusions.of_name(name),
            elsewhere,
            self.waive_for,
        )

    def _judge(self, named: Named, project: Project, context: Context, *, thorough: bool) -> list[Judged]:
        page = Page(named, self.rules, project, context)
        judged = page.judge(thorough=thorough)
        if self.newest is not None:
            page.judge_newest(self.newest, judged)
        return judged


def _explained(filename: str, verdicts: tuple[Verdict, ...]) -> Explained:
    """Admission comes first, so that the first verdict decides unless one refuses."""
    deciding = next((verdict for verdict in verdicts if not verdict.wanted), verdicts[0])
    return Explained(filename, deciding.wanted, verdicts, deciding)

"""One page in front of a selection: which verdicts its files get, in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from bandersnatch.model import File, Project
from bandersnatch.selection.base import Context, Origin, Rule, Subject, Verdict
from bandersnatch.selection.digests import digest_of
from bandersnatch.selection.distributions import release_of
from bandersnatch.selection.items import Item
from bandersnatch.values import Struct, field, replace

if TYPE_CHECKING:
    from packaging.version import Version

    from bandersnatch.selection.releases import Newest, Release


class Named(Struct, frozen=True):
    """What a selection says about one project by its name."""

    everything: Origin | None
    items: tuple[Item, ...]
    """Those that admit it; markers that are true in no environment are left out."""
    index_only: tuple[Item, ...]
    exclusions: tuple[Item, ...]
    elsewhere: tuple[Item, ...] = ()
    """Items that would admit it, if their marker were true in any of the environments."""
    waive_for: str = "none"
    """``none``, ``pins`` or ``ranges``."""

    @property
    def is_whole(self) -> bool:
        """Whether every version is admitted."""
        return bool(self.everything or self.index_only) or any(item.is_whole for item in self.items)

    @property
    def is_wanted(self) -> bool:
        """Whether any version can be wanted."""
        admitted = self.everything or self.items or self.index_only
        return bool(admitted) and not any(item.is_whole for item in self.exclusions)

    @property
    def fingerprint(self) -> str:
        """Changes whenever other files could be admitted, or stored."""
        if not self.is_wanted:
            return ""
        items = [sorted({str(item.specifier) for item in group}) for group in (self.items, self.exclusions)]
        waived = self.waive_for if self.waivers else "none"
        return digest_of(self.everything is not None, items, bool(self.index_only), waived)

    @property
    def waivers(self) -> tuple[Item, ...]:
        """The items whose versions pass the rules that can be waived."""
        match self.waive_for:
            case "pins":
                return tuple(item for item in self.items if item.is_pin)
            case "ranges":
                return tuple(item for item in self.items if not item.is_whole)
            case _:
                return ()

    # --- verdicts ---

    def by_name(self) -> tuple[Verdict, ...]:
        """The verdicts that the name alone allows."""
        admissions = [
            *self._wholesale(),
            *(_admitted(item, f"its versions {item.specifier} are") for item in self.items),
        ]
        whole = next((item for item in self.exclusions if item.is_whole), None)
        if whole is not None:
            exclusions = [_excluded(whole, "")]
        else:
            exclusions = [_verdict(item, True, f"only {item.specifier} is excluded") for item in self.exclusions]
        return (*(admissions or [self._not_selected()]), *exclusions)

    def by_version(self, version: Version | None, release: str) -> tuple[Verdict, ...]:
        """Which items admit a version, or that none does; and whether it is excluded."""
        admitting = (item for item in self.items if item.matches_version(version, release))
        told = f"version {release}"
        admissions = [
            *self._wholesale(), *(_admitted(item, f"{told} is in {item.specifier}") for item in admitting)
        ]  # fmt: skip
        excluding = next((item for item in self.exclusions if item.matches_version(version, release)), None)
        exclusions = [] if excluding is None else [_excluded(excluding, f"{told} is in {excluding.specifier}, which")]
        return (*(admissions or [self._not_admitted(version, release)]), *exclusions)

    def _wholesale(self) -> Iterator[Verdict]:
        if self.everything is not None:
            yield Verdict("select.everything", True, "everything is", self.everything)
        for item in self.index_only:
            yield _verdict(item, True, "its page points at upstream's files")

    def _not_admitted(self, version: Version | None, release: str) -> Verdict:
        if not self.items:
            return self._not_selected()
        ranges = " or ".join(dict.fromkeys(str(item.specifier) for item in self.items))
        only = self.items[0].origin if len(self.items) == 1 else None
        if version is None:
            reason = f"its version {release!r} cannot be compared with {ranges}"
        else:
            reason = f"version {release} is not in {ranges}"
        return Verdict(self.items[0].origin.key, False, reason, only)

    def _not_selected(self) -> Verdict:
        if self.elsewhere:
            item = self.elsewhere[0]
            reason = f"the marker of {item.origin.text!r} is true in none of the environments"
            return _verdict(item, False, reason)
        return Verdict("select.projects", False, "the project is not selected")


def _verdict(item: Item, wanted: bool, reason: str) -> Verdict:
    return Verdict(item.origin.key, wanted, reason, item.origin)


def _admitted(item: Item, versions: str) -> Verdict:
    """*versions* is what to say of an item that has a range."""
    if not item.is_whole:
        return _verdict(item, True, versions)
    return _verdict(item, True, "the project is named" if item.name else "the project's name matches")


def _excluded(item: Item, versions: str) -> Verdict:
    return _verdict(item, False, f"{'the project is' if item.is_whole else f'{versions} is'} excluded")


# --- files ---------------------------------------------------------------------------------------------------------


class Judged(Struct):
    """A file and its verdicts so far, in order."""

    subject: Subject
    verdicts: list[Verdict]
    waiver: Item | None = None
    """The item that lets it pass whatever can be waived."""
    is_waived: bool = False
    """Whether a rule would have refused it, if it were not for the waiver."""

    @property
    def refusal(self) -> Verdict | None:
        """The first refusal: it decides."""
        return next((verdict for verdict in self.verdicts if not verdict.wanted), None)

    @property
    def until(self) -> float | None:
        """
        The earliest moment at which the answer can change by itself; None if it never does.

        A refused file waits for all that refuse it, and for ever if one of them never changes.
        """
        refusals = [verdict.until for verdict in self.verdicts if not verdict.wanted]
        if refusals:
            return None if None in refusals else max(one for one in refusals if one is not None)
        return min((verdict.until for verdict in self.verdicts if verdict.until is not None), default=None)


class Page(Struct):
    """A project's page being judged, with the verdicts that several of its files share."""

    named: Named
    rules: Sequence[Rule]
    project: Project
    context: Context
    _releases: dict[str, Version | None] = field(default_factory=dict)
    _admissions: dict[str, tuple[Verdict, ...]] = field(default_factory=dict)
    _waivers: dict[str, Item | None] = field(default_factory=dict)
    _verdicts: dict[tuple[int, str], Verdict] = field(default_factory=dict)

    def judge(self, *, thorough: bool) -> list[Judged]:
        """Every file by admission, exclusion and rules; unless *thorough* no further than to what refuses for ever."""
        return [self._judge(self._subject(file), thorough) for file in self.project.files]

    def judge_newest(self, newest: Newest, judged: Iterable[Judged]) -> None:
        """
        Add the last verdict to all that nothing has refused, for each admitting item apart.

        What is there by a waiver alone is counted by nobody: an item more would otherwise push out others' newest.
        """
        from bandersnatch.selection.releases import release_key

        left = [one for one in judged if one.refusal is None]
        kept = self._newest(newest, [one.subject for one in left if not one.is_waived])
        for one in left:
            wanted = release_key(one.subject) in kept
            reason = f"version {one.subject.release} is {'' if wanted else 'not '}among the newest {newest.count}"
            verdict = Verdict(newest.name, wanted, reason, newest.origin)
            one.verdicts.append(_waived(verdict, one.waiver) if one.waiver and not wanted else verdict)

    def _newest(self, newest: Newest, subjects: Sequence[Subject]) -> set[Release]:
        kept = set(newest.of(subjects)) if self.named.is_whole else set()
        by_release: dict[str, list[Subject]] = {}
        for subject in subjects:
            by_release.setdefault(subject.release, []).append(subject)
        ranges = {str(item.specifier): item for item in self.named.items if not item.is_whole}
        for item in ranges.values():
            admitted = (one for one in by_release if item.matches_version(self._releases[one], one))
            kept |= newest.of(subject for one in admitted for subject in by_release[one])
        return kept

    def _subject(self, file: File) -> Subject:
        release, version = release_of(file.filename, self.project.name)
        self._releases[release] = version
        return Subject(self.project, file, version, release, self.context)

    def _judge(self, subject: Subject, thorough: bool) -> Judged:
        release = subject.release
        if release not in self._admissions:
            self._admissions[release] = self.named.by_version(subject.version, release)
            self._waivers[release] = self._waiver(subject)
        judged = Judged(subject, list(self._admissions[release]), self._waivers[release])
        if not thorough and judged.refusal is not None:
            return judged
        for number, rule in enumerate(self.rules):
            verdict = self._ask(number, rule, subject)
            if judged.waiver and not verdict.wanted and getattr(rule, "waivable", False):
                verdict, judged.is_waived = _waived(verdict, judged.waiver), True
            judged.verdicts.append(verdict)
            if not (thorough or verdict.wanted or verdict.until is not None):
                break
        return judged

    def _waiver(self, subject: Subject) -> Item | None:
        return next(
            (item for item in self.named.waivers if item.matches_version(subject.version, subject.release)), None
        )

    def _ask(self, number: int, rule: Rule, subject: Subject) -> Verdict:
        """The rule's verdict; asked once only for what it holds for, where the rule says so."""
        scope = getattr(rule, "scope", "file")
        if scope not in ("project", "release"):
            return rule.judge(subject)
        place = (number, subject.release if scope == "release" else "")
        if place not in self._verdicts:
            self._verdicts[place] = rule.judge(subject)
        return self._verdicts[place]


def _waived(refusal: Verdict, waiver: Item) -> Verdict:
    """*refusal* turned round by the item that lets the file pass."""
    told = "it is pinned by" if waiver.is_pin else "its version is asked for by"
    return replace(refusal, wanted=True, reason=f"{refusal.reason}, but {told} {waiver.origin}", until=None)

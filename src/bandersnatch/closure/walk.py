"""The closure over versions: a walk from each wanted range through what its versions need, until nothing is new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from bandersnatch.closure.base import Closure, Interpreter, Item, Newest, Ranges, Unknown
from bandersnatch.closure.releases import Release
from bandersnatch.closure.shelf import Shelf
from bandersnatch.closure.sources import is_source
from bandersnatch.closure.together import gather
from bandersnatch.errors import UpstreamError
from bandersnatch.model import File
from bandersnatch.values import Struct, replace

_Key = tuple[str, str, str, int]


class _Want(Struct, frozen=True):
    """A range of one project's versions, with one extra or none, for one interpreter."""

    name: str
    specifier: str
    extra: str
    place: int
    """Which of the interpreters."""


class _Step(Struct, frozen=True):
    """A version to go on from."""

    release: Release
    extra: str
    place: int
    file: File
    """What would be installed."""

    @property
    def key(self) -> _Key:
        return self.release.name, str(self.release.version), self.extra, self.place


async def walk(
    requirements: Sequence[Requirement],
    interpreters: Sequence[Interpreter],
    policy: Newest | Ranges,
    shelf: Shelf,
    *,
    constraints: Sequence[Requirement] = (),
) -> Closure:
    """
    What *requirements* need for each of *interpreters*: run requirements, and build requirements where a source
    distribution would be installed. Raises UpstreamError.
    """
    walker = _Walk(interpreters, policy, shelf, constraints)
    for place in range(len(interpreters)):
        walker.add(requirements, place, "", "it is asked for")
    while walker.has_new:
        await walker.advance()
    return walker.closure()


class _Walk:
    def __init__(
        self,
        interpreters: Sequence[Interpreter],
        policy: Newest | Ranges,
        shelf: Shelf,
        constraints: Sequence[Requirement],
    ) -> None:
        self._interpreters = interpreters
        self._policy = policy
        self._shelf = shelf
        self._limits = [_limits(constraints, one.markers) for one in interpreters]
        self._seen: set[_Want] = set()
        self._new: dict[_Want, str] = {}
        self._items: dict[str, str] = {}
        self._unknown: set[Unknown] = set()
        self._lacking: dict[_Want, Unknown] = {}
        self._taken: dict[_Want, list[_Key]] = {}
        self._needed: dict[_Key | None, set[_Want]] = {None: set()}
        """What each version needs, and, for None, what is asked for."""

    @property
    def has_new(self) -> bool:
        return bool(self._new)

    def closure(self) -> Closure:
        items = sorted(Item(requirement, because) for requirement, because in self._items.items())
        fatal = self._fatal() if isinstance(self._policy, Ranges) else ()  # of fewer versions the resolver judges
        lacking = {replace(one, unresolved=want in fatal) for want, one in self._lacking.items()}
        return Closure(tuple(items), tuple(sorted(self._unknown | lacking)))

    def _fatal(self) -> set[_Want]:
        """What is lacking and leaves something that is asked for without a single version."""
        stuck, before = set(self._lacking), -1
        while len(stuck) > before:
            before = len(stuck)
            stuck |= {want for want, steps in self._taken.items() if all(self._needed[one] & stuck for one in steps)}
        reached: set[_Want] = set()
        new = self._needed[None] & stuck
        while new:
            reached |= new
            steps = [step for want in new for step in self._taken.get(want, ())]
            new = {want for step in steps for want in self._needed[step] & stuck} - reached
        return reached & self._lacking.keys()

    def add(
        self, requirements: Iterable[Requirement], place: int, extra: str, because: str, step: _Key | None = None
    ) -> None:
        """Want what *requirements* name, as far as their markers are true; they are those of *step*."""
        needed = self._needed.setdefault(step, set())
        for requirement in requirements:
            if not holds(requirement, self._interpreters[place].markers, extra):
                continue
            name = canonicalize_name(requirement.name)
            specifier = str(requirement.specifier & self._limits[place].get(name, SpecifierSet()))
            for wanted in ("", *sorted(map(canonicalize_name, requirement.extras))):
                want = _Want(name, specifier, wanted, place)
                needed.add(want)
                if want not in self._seen:
                    self._seen.add(want)
                    self._new[want] = because

    async def advance(self) -> None:
        """One wave: the pages of all new wants, then the metadata of the versions that they admit."""
        wants, self._new = self._new, {}
        await self._shelf.load_releases(want.name for want in wants)
        await self._load_needs(wants)
        steps = [step for want, because in wants.items() for step in self._steps(want, because)]
        for step in steps:
            self._go_on(step)
        await gather(self._add_build(step) for step in steps if not step.extra and is_source(step.file.filename))

    async def _load_needs(self, wants: Iterable[_Want]) -> None:
        """Of what each of *wants* admits; where upstream withholds a version, an older one takes its place."""
        while True:
            files = [one for want in wants for one in self._chosen(want)]
            await self._shelf.load_needs(files)
            if not any(self._shelf.is_withheld(file) for _, file in files):
                return

    def _steps(self, want: _Want, because: str) -> Iterator[_Step]:
        chosen = self._chosen(want)
        if not chosen:
            self._lack(want, because)
        for release, file in chosen:
            step = _Step(release, want.extra, want.place, file)
            self._admit(want, release, because)
            self._taken.setdefault(want, []).append(step.key)
            if step.key not in self._needed:
                self._needed[step.key] = set()
                yield step

    def _lack(self, want: _Want, because: str) -> None:
        """Say why nothing of *want* can be taken. What upstream withholds is wanted all the same: a run asks again."""
        releases = self._shelf.releases(want.name)
        if want.name in self._shelf.failures or any(map(self._shelf.is_withheld, _files(releases))):
            self._items.setdefault(f"{want.name}{want.specifier}", because)
            return
        if want in self._needed[None]:
            self._items.setdefault(f"{want.name}{want.specifier}", because)
        place = self._interpreters[want.place]
        if releases is None:
            text = f"upstream has no such project, for {place}"
        else:
            text = f"no version{f' in {want.specifier}' if want.specifier else ''} can be installed on {place}"
        self._lacking[want] = Unknown(want.name, "", f"{text}; {because}")

    def _chosen(self, want: _Want) -> list[tuple[Release, File]]:
        """The versions of *want* that the policy takes, the newest first, each with the file to install."""
        interpreter = self._interpreters[want.place]
        specifier = SpecifierSet(want.specifier)
        pinned = any(one.operator in ("==", "===") and not one.version.endswith(".*") for one in specifier)
        fitting = {
            release.version: (release, files[0])
            for release in self._shelf.releases(want.name) or ()
            if (pinned or not release.yanked)
            and (files := release.installable(interpreter))
            and not self._shelf.is_withheld(files[0])
        }
        admitted = list(specifier.filter(fitting))  # pre-releases by PEP 440: asked for, or nothing else is there
        if isinstance(self._policy, Newest):  # local builds are of one release
            newest = list(dict.fromkeys(version.public for version in admitted))[: self._policy.count]
            admitted = [version for version in admitted if version.public in newest]
        return [fitting[version] for version in admitted]

    def _admit(self, want: _Want, release: Release, because: str) -> None:
        exact = isinstance(self._policy, Newest)
        requirement = f"{want.name}=={release.version}" if exact else f"{want.name}{want.specifier}"
        self._items.setdefault(requirement, because)

    def _go_on(self, step: _Step) -> None:
        needs = self._shelf.needs(step.file)
        name, version = step.release.name, str(step.release.version)
        if needs.doubt:
            self._unknown.add(Unknown(name, version, needs.doubt))
        extra = f"[{step.extra}]" if step.extra else ""
        self.add(needs.requires, step.place, step.extra, f"{name}{extra} {version} needs it", step.key)

    async def _add_build(self, step: _Step) -> None:
        name, version = step.release.name, str(step.release.version)
        try:
            requires = [Requirement(text) for text in await self._shelf.build_requires(step.file)]
        except (UpstreamError, InvalidRequirement) as error:
            self._unknown.add(Unknown(name, version, f"what {step.file.filename} needs to be built: {error}"))
            return
        self.add(requires, step.place, "", f"{name} {version} needs it to be built", step.key)


def _files(releases: Iterable[Release] | None) -> Iterator[File]:
    return (file for release in releases or () for file in release.files)


def holds(requirement: Requirement, markers: Mapping[str, str], extra: str = "") -> bool:
    """Whether the requirement's marker is true. One that cannot be judged counts as true: better too much."""
    if requirement.marker is None:
        return True
    try:
        return requirement.marker.evaluate({**markers, "extra": extra})
    except (UndefinedEnvironmentName, InvalidVersion):
        return True


def _limits(constraints: Iterable[Requirement], markers: Mapping[str, str]) -> dict[str, SpecifierSet]:
    limits: dict[str, SpecifierSet] = {}
    for constraint in constraints:
        if holds(constraint, markers):
            name = canonicalize_name(constraint.name)
            limits[name] = limits.get(name, SpecifierSet()) & constraint.specifier
    return limits

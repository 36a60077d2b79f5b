"""What the allowlist, requirement files and the blocklist become: what is selected, and what is excluded."""

from __future__ import annotations

import glob
import posixpath
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement

from bandersnatch import names
from bandersnatch.config.pypa import patterns, scalars
from bandersnatch.config.pypa.ini import Entry, Line
from bandersnatch.config.pypa.plugins import Plugins
from bandersnatch.config.pypa.translation import Draft

_ALLOW = ("allowlist_project", "allowlist_release")
_EXEMPTING = {
    "files.max-project-size": "files.max-project-size-exempt",
    "releases.at-least": "releases.count-exempt",
    "releases.at-most": "releases.count-exempt",
}
_FILES = ("project_requirements", "project_requirements_pinned")


def select(draft: Draft, plugins: Plugins) -> None:
    """What admits projects: the allowlist, requirement files, or, where there is neither, everything."""
    packages = _packages(draft, plugins)
    files = _requirement_files(draft, plugins)
    if packages and files:
        draft.refuse(
            files,
            "there a project has to be both in packages and in these files; here each of them selects by itself: "
            "keep the one that you mean",
        )
    if not packages and not files:
        draft.put("select.everything", True)
        draft.lines["select", "everything"] = plugins.source.line if plugins.source else draft.ini.first_line
    _keep_files_upstream(draft)


def exclude(draft: Draft, plugins: Plugins) -> None:
    """What is never mirrored: the blocklist, and projects whose names match."""
    packages = draft.get("blocklist", "packages")
    if packages and plugins.has("blocklist_project", "blocklist_release"):
        draft.add("exclude.projects", _blocked(draft, packages, plugins), packages)
    elif packages:
        draft.note(packages, _needs("blocklist_project or blocklist_release"))
    _exclude_expressions(draft, plugins)


# --- selected ------------------------------------------------------------------------------------------------------


def _packages(draft: Draft, plugins: Plugins) -> Entry | None:
    """The allowlist, taken over, if it is in force."""
    packages = draft.get("allowlist", "packages")
    chosen = next(filter(None, map(plugins.chosen, _ALLOW)), None)
    if packages and plugins.has(*_ALLOW):
        draft.add("select.projects", _allowed(draft, packages, plugins.has("allowlist_release")), packages)
        return packages
    if chosen:
        message = (
            "an allowlist is enabled and [allowlist] packages is empty; name projects there, or take the plugin out"
        )
        draft.refuse(chosen, f"{message} if you want everything that upstream has")
    return None


def _allowed(draft: Draft, packages: Entry, by_version: bool) -> Iterator[tuple[str, int]]:
    for requirement, line in _merged(_requirements(draft, packages), by_version):
        if len(requirement.specifier) and not by_version:
            message = f"the versions of {requirement.name} have no effect: allowlist_release is not enabled"
            draft.note(packages, message, line.number)
        yield _item(requirement, by_version), line.number


def _merged(found: Iterator[tuple[Requirement, Line]], by_version: bool) -> Iterator[tuple[Requirement, Line]]:
    """Each project's ranges, or the project as a whole where one line wants that."""
    by_name: dict[str, dict[str, tuple[Requirement, Line]]] = {}
    for requirement, line in found:
        ranges = by_name.setdefault(names.normalise(requirement.name), {})
        ranges.setdefault(str(requirement.specifier) if by_version else "", (requirement, line))
    for ranges in by_name.values():
        yield from [ranges[""]] if "" in ranges else ranges.values()


def _item(requirement: Requirement, by_version: bool) -> str:
    """Markers and extras do not count there."""
    return f"{requirement.name}{requirement.specifier}" if by_version else requirement.name


def _requirement_files(draft: Draft, plugins: Plugins) -> Entry | None:
    """The requirement files, taken over, if they are in force."""
    files = draft.get("allowlist", "requirements")
    if files is None or not plugins.has(*_FILES):
        chosen = next(filter(None, map(plugins.chosen, _FILES)), None)
        if files:
            draft.note(files, _needs("project_requirements or project_requirements_pinned"))
        elif chosen:
            draft.refuse(
                chosen, "requirement files are enabled and [allowlist] requirements is empty; name files there"
            )
        return None
    key = "select.from-files" if plugins.has("project_requirements_pinned") else "select.whole-from-files"
    folder = draft.get("allowlist", "requirements_path")
    base = folder.value if folder else "/"
    places = [(_place(base, line.text.partition("#")[0].strip()), line.number) for line in files.lines]
    draft.add(key, [place for place in places if not place[0].endswith("/")], files)
    if folder:
        draft.sources[key] += (folder,)
        if not posixpath.isabs(base):
            draft.note(folder, "is taken from the folder of the configuration here")
    return files


def _place(base: str, name: str) -> str:
    """Only what has a star in it is a glob there, and the folder never is."""
    return posixpath.join(glob.escape(base) if "*" in name else base, name)


def _keep_files_upstream(draft: Draft) -> None:
    """``release-files = false``: pages only, whose links lead upstream."""
    entry = draft.get("mirror", "release-files")
    try:
        if entry is None or scalars.switch(entry.value):
            return
    except ValueError as error:
        assert entry is not None
        draft.refuse(entry, str(error))
        return
    projects = draft.values.pop("select.projects", ())
    everything = draft.values.pop("select.everything", False)
    items = ("*",) if everything else projects if isinstance(projects, tuple) else ()
    files = any(key in draft.values for key in ("select.from-files", "select.whole-from-files"))
    if files or any(Requirement(item).specifier for item in items if item != "*"):
        draft.refuse(entry, "pages without files are for whole projects here; name these under [select] index-only")
    sources = draft.sources.pop("select.projects", ())
    draft.put("select.index-only", items, *sources, entry)


# --- exempt ----------------------------------------------------------------------------------------------------------


def exempt(draft: Draft, plugins: Plugins) -> None:
    """An allowlist that is not enabled: it names exceptions from limits of size and number, where there are any."""
    packages = draft.get("allowlist", "packages")
    if packages is None or plugins.has(*_ALLOW):
        return
    keys = dict.fromkeys(key for limit, key in _EXEMPTING.items() if draft.values.get(limit))
    if not keys:
        draft.note(packages, _needs("allowlist_project or allowlist_release"))
        return
    projects = list(_allowed(draft, packages, by_version=False))
    for key in keys:
        draft.add(key, projects, packages)


# --- excluded ------------------------------------------------------------------------------------------------------


def _blocked(draft: Draft, packages: Entry, plugins: Plugins) -> Iterator[tuple[str, int]]:
    """A line with versions is for blocklist_release; one without is for both, as it means every version."""
    by_version = plugins.has("blocklist_release")
    wanted = []
    for requirement, line in _requirements(draft, packages):
        if len(requirement.specifier) and not by_version:
            message = f"blocks nothing of {requirement.name}: versions need the plugin blocklist_release"
            draft.note(packages, message, line.number)
        else:
            wanted.append((requirement, line))
    for requirement, line in _merged(iter(wanted), by_version=True):
        yield _item(requirement, by_version=True), line.number


def _exclude_expressions(draft: Draft, plugins: Plugins) -> None:
    entry = draft.get("filter_regex", "packages")
    if entry is None:
        return
    if not plugins.has("regex_project"):
        draft.note(entry, _needs("regex_project"))
        return
    for line in entry.lines:
        try:
            # Names hold no slash, and an item ends at the next one.
            expression = patterns.whole(line.text).replace("/", r"\x2f")
            draft.add("exclude.projects", [(f"/{expression}/", line.number)], entry)
        except ValueError as error:
            draft.refuse(entry, str(error), line.number)


# --- lines ---------------------------------------------------------------------------------------------------------


def _requirements(draft: Draft, entry: Entry) -> Iterator[tuple[Requirement, Line]]:
    for line in entry.lines:
        text = line.text.partition("#")[0].strip()
        if not text:
            continue
        try:
            requirement = Requirement(text)
        except (InvalidRequirement, RecursionError):
            requirement = None
        if requirement is None or requirement.url or not names.is_project_name(requirement.name):
            draft.refuse(entry, 'wants a project on each line, as "example" or "example>=1.4,<2"', line.number)
        else:
            yield requirement, line


def _needs(plugin: str) -> str:
    return f"has no effect: the plugin {plugin} is not enabled"

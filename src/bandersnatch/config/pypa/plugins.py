"""Which filter plugins a file enables."""

from __future__ import annotations

import re

from bandersnatch.config.pypa.ini import Entry
from bandersnatch.config.pypa.known import FORMER_PLUGINS, PLUGINS, did_you_mean
from bandersnatch.config.pypa.translation import Draft
from bandersnatch.values import Struct

_IMPLIED = {
    "blacklist": ("blocklist_project", "blocklist_release", "exclude_platform"),
    "whitelist": ("allowlist_project", "allowlist_release"),
}
"""Up to 3.1 no plugin had to be enabled; the sections of that time have these names, later ones none of them."""


class Plugins(Struct, frozen=True):
    """The plugins that are enabled."""

    names: frozenset[str] = frozenset()
    """By the names of today."""
    source: Entry | None = None
    """The option that enables them."""
    by_all: bool = False
    """Whether that says ``all``: then it is no mistake that some have nothing to do."""

    def has(self, *names: str) -> bool:
        """Whether any of *names* is enabled."""
        return not self.names.isdisjoint(names)

    def chosen(self, name: str) -> Entry | None:
        """The option that enables *name* by its name; None if nothing does, or only ``all``."""
        return self.source if name in self.names and not self.by_all else None


def enabled(draft: Draft) -> Plugins:
    """The plugins that the file enables."""
    source = draft.get("plugins", "enabled")
    former = draft.ini.get("blacklist", "plugins")
    if source is None and former and former.lines:
        source = former
    elif source and former:
        draft.note(former, "has no effect: [plugins] enabled says which plugins there are")
    if source is None:
        return _implied(draft)
    names = _names(draft, source)
    by_all = "all" in names
    return Plugins(frozenset(PLUGINS if by_all else names), source, by_all)


def _implied(draft: Draft) -> Plugins:
    names: list[str] = []
    for section, plugins in _IMPLIED.items():
        entries = draft.of_section(section)
        if entries and "plugins" not in draft.ini.sections:
            names += plugins
            draft.note(entries[0], f"[{section}] is in force without [plugins], as in the versions that call it so")
    return Plugins(frozenset(names), by_all=True)


def _names(draft: Draft, source: Entry) -> list[str]:
    names = []
    for line in source.lines:
        written = re.split(r"[\s,]+", line.text.partition("#")[0].strip(" ,"))
        if len(written) > 1:
            draft.note(source, "several plugins on one line; each is taken", line.number)
        for name in filter(None, written):
            known = FORMER_PLUGINS.get(name, name)
            if known != "all" and known not in PLUGINS:
                draft.refuse(source, _about(name), line.number)
            names.append(known)
    return names


def _about(name: str) -> str:
    if name.startswith("safety_db"):
        return f'there is no plugin "{name}"; [advisories] blocks what is known to be vulnerable: take this line out'
    near = did_you_mean(name, (*PLUGINS, "all"))
    return f'unknown plugin "{name[:60]}"{near or "; a filter of your own becomes a rule under [rules]: take it out"}'

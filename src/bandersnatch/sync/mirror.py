"""A mirror as the verbs see it: ports and rules, put together by ``assemble``."""

from __future__ import annotations

import hashlib
from functools import cached_property

from bandersnatch import publish, transfer
from bandersnatch.catalogue.base import Catalogue
from bandersnatch.plan import Brake, Policies
from bandersnatch.selection import Selection
from bandersnatch.storage.base import Journal, Storage
from bandersnatch.upstream.base import Upstream
from bandersnatch.values import Struct, field, replace


class Rules(Struct, frozen=True):
    """How a run goes about it."""

    changes: str = "auto"
    """How to learn what changed: auto, changelog, list or pages."""
    projects_at_once: int = 64
    files_at_once: int = 100
    grace: float = 3600.0
    """Seconds for which a file stays in storage after it left its last page."""
    trash: float = 7 * 86400.0
    """Seconds for which what was swept can be restored; 0 deletes at once."""
    hidden_for: float = 90 * 86400.0
    """The same for what the policy is to hide."""
    policies: Policies = Policies()
    brake: Brake = Brake()
    reach: str = ""
    """Changes with the keys that say how upstream is reached."""
    first_seen: bool = False
    """Whether the selection asks when a file was seen first."""
    metadata_of_each: bool = False
    """Whether each release is judged by its own core metadata, and not by that of the newest."""
    file_hosts: tuple[str, ...] = ()
    """Further hosts that files and companions may come from: with another one, more may be had."""
    without_digest: bool = True
    """Whether a file is taken of which upstream states no digest."""
    http: bool = False
    """Whether files may come over http: then one without a digest may be anybody's."""
    page_hosts: tuple[str, ...] = ()
    """Further hosts that pages may come from."""
    transfer: transfer.Rules = transfer.Rules()
    publish: publish.Settings = field(default_factory=publish.Settings)


class Mirror(Struct, frozen=True, dict=True):
    """One mirror of one upstream."""

    directory: str
    address: str
    """What upstream is called: the same for all spellings of where it is."""
    shown: str
    """How the operator wrote it, for people to read."""
    upstream: Upstream
    storage: Storage
    catalogue: Catalogue
    journal: Journal
    selection: Selection
    rules: Rules = field(default_factory=Rules)
    unresolved: tuple[str, ...] = ()
    """What of the selection has needs that cannot be met, and why: with it no run is clean."""

    @cached_property
    def output(self) -> publish.Output:
        """Where pages go, and how they are made."""
        return publish.Output(self.storage, self.rules.publish)

    @property
    def digest(self) -> str:
        """Changes whenever any project's ``fingerprint`` could."""
        return _digest((self.address, self.selection.digest, self._taken))

    def fingerprint(self, name: str) -> str:
        """Changes whenever the same upstream page would make another page here: of other facts, or in another form."""
        return f"{self._asked(name)}-{self.rules.publish.fingerprint}"

    def has_asked(self, name: str, fingerprint: str) -> bool:
        """Whether a page with this *fingerprint* has the facts that one of today would have, in whatever form."""
        return fingerprint.startswith(f"{self._asked(name)}-") or fingerprint == self._of_version_5(name)

    def has_form(self, fingerprint: str) -> bool:
        """Whether a page with this *fingerprint* has today's form, whatever its facts are."""
        return fingerprint.endswith(f"-{self.rules.publish.fingerprint}")

    def in_present_form(self, name: str, fingerprint: str) -> str:
        """The *fingerprint* of a page with the same facts, once it has today's form."""
        if self.has_asked(name, fingerprint):
            return self.fingerprint(name)
        return f"{'-'.join(fingerprint.split('-')[:2])}-{self.rules.publish.fingerprint}"

    def _asked(self, name: str) -> str:
        return f"{self.selection.fingerprint(name)}-{self._of_all}"

    @cached_property
    def _of_all(self) -> str:
        """The part of all fingerprints that is the same."""
        return _digest((self.address, self._taken))[:16]

    @property
    def _taken(self) -> tuple[tuple[str, object], ...]:
        """What besides the selection a page's facts depend on; a key at its default says nothing, so more can come."""
        usual = _facts(Rules())
        return tuple((name, value) for name, value in _facts(self.rules).items() if value != usual[name])

    def _of_version_5(self, name: str) -> str:
        """The fingerprint in catalogues of earlier programs, which did not tell form and facts apart."""
        return f"{self.selection.fingerprint(name)}-{self._of_all_in_version_5}"

    @cached_property
    def _of_all_in_version_5(self) -> str:
        facts = _facts(self.rules)
        published = self.rules.publish
        form = _digest((1, replace(published, legacy_json=published.legacy_json != "none")))[:16]  # it was a switch
        told = (*list(facts.values())[:3], form, facts["policies"], facts["metadata-of-each"])
        return _digest((self.address, told))[:16]


def _facts(rules: Rules) -> dict[str, object]:
    return {
        "file-hosts": rules.file_hosts,
        "metadata": rules.transfer.metadata,
        "provenance": rules.transfer.provenance,
        "policies": rules.policies,
        "metadata-of-each": rules.metadata_of_each,
        "without-digest": rules.without_digest,
        "page-hosts": rules.page_hosts,
    }


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()

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
from bandersnatch.values import Struct, field


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
    first_seen: bool = False
    """Whether the selection asks when a file was seen first."""
    metadata_of_each: bool = False
    """Whether each release is judged by its own core metadata, and not by that of the newest."""
    file_hosts: tuple[str, ...] = ()
    """Further hosts that files and companions may come from: with another one, more may be had."""
    transfer: transfer.Rules = transfer.Rules()
    publish: publish.Settings = field(default_factory=publish.Settings)


class Mirror(Struct, frozen=True, dict=True):
    """One mirror of one upstream."""

    directory: str
    address: str
    """Upstream's, for people to read."""
    upstream: Upstream
    storage: Storage
    catalogue: Catalogue
    journal: Journal
    selection: Selection
    rules: Rules = field(default_factory=Rules)

    @cached_property
    def output(self) -> publish.Output:
        """Where pages go, and how they are made."""
        return publish.Output(self.storage, self.rules.publish)

    @property
    def digest(self) -> str:
        """Changes whenever any project's ``fingerprint`` could."""
        return _digest((self.address, self.selection.digest, self._taken))

    def fingerprint(self, name: str) -> str:
        """Changes whenever the same upstream page would make another page here."""
        return f"{self.selection.fingerprint(name)}-{self._of_all}"

    @cached_property
    def _of_all(self) -> str:
        """The part of all fingerprints that is the same."""
        return _digest((self.address, self._taken))[:16]

    @property
    def _taken(self) -> tuple[object, ...]:
        """What besides the selection a page depends on."""
        rules = self.rules
        return (
            rules.file_hosts,
            rules.transfer.metadata,
            rules.transfer.provenance,
            rules.publish.fingerprint,
            rules.policies,
            rules.metadata_of_each,
        )


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()

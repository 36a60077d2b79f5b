"""A mirror as the verbs see it: ports and rules, put together by ``assemble``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from bandersnatch import publish, transfer
from bandersnatch.catalogue.base import Catalogue
from bandersnatch.plan import Brake
from bandersnatch.selection import Selection
from bandersnatch.storage.base import Storage
from bandersnatch.upstream.base import Upstream


@dataclass(frozen=True, slots=True)
class Rules:
    """How a run goes about it."""

    changes: str = "auto"
    """How to learn what changed: auto, changelog, list or pages."""
    projects_at_once: int = 32
    files_at_once: int = 64
    grace: float = 3600.0
    """Seconds for which a file stays in storage after it left its last page."""
    brake: Brake = Brake()
    file_hosts: tuple[str, ...] = ()
    """Further hosts that files and companions may come from: with another one, more may be had."""
    transfer: transfer.Rules = transfer.Rules()
    publish: publish.Settings = field(default_factory=publish.Settings)


@dataclass(frozen=True, slots=True)
class Mirror:
    """One mirror of one upstream."""

    directory: str
    address: str
    """Upstream's, for people to read."""
    upstream: Upstream
    storage: Storage
    catalogue: Catalogue
    selection: Selection
    rules: Rules = field(default_factory=Rules)

    @property
    def output(self) -> publish.Output:
        """Where pages go, and how they are made."""
        return publish.Output(self.storage, self.rules.publish)

    def fingerprint(self, name: str) -> str:
        """Changes whenever the same upstream page would make another page here."""
        taken = (self.address, self.rules.file_hosts, self.rules.transfer.metadata, self.rules.transfer.provenance)
        source = hashlib.sha256(repr(taken).encode()).hexdigest()[:8]
        return f"{self.selection.fingerprint(name)}-{self.rules.publish.fingerprint}-{source}"

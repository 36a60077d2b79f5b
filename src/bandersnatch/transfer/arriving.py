"""One file on its way in: what came of it so far, in memory or in storage, until it is whole and staged."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from bandersnatch import layout
from bandersnatch.errors import BadContent
from bandersnatch.model import File, Held, Validators
from bandersnatch.storage.base import Incoming, Storage
from bandersnatch.transfer.check import CHUNK, Check
from bandersnatch.transfer.companions import take_metadata
from bandersnatch.transfer.rules import Rules, admit, is_certain, token

SMALL = 64 << 10
"""Bytes up to which hashing a file and staging it in memory takes less time than a trip to a thread."""


class Transfer:
    """
    One file on its way in.

    Its bytes gather in memory until a trip to a worker thread is worth it; a file that is smaller than that never
    touches the disk before it is staged.
    """

    def __init__(
        self, wanted: File, storage: Storage, rules: Rules, *, twins: Sequence[File] = (), new: bool = False
    ) -> None:
        self.wanted = wanted
        self.is_certain = bool(wanted.sha256) or is_certain(wanted)
        """Whether anything would tell that parts do not belong together."""
        self.direct = not self.is_certain
        """Whether to ask upstream itself, and no download mirror."""
        self.mixed = False
        """Whether any bytes here may come from an earlier try or from a download mirror."""
        self.validators = Validators()
        """Upstream's, of a file that it states no digest of."""
        self._storage = storage
        self._rules = rules
        self._is_new = new
        """Whether storage has nothing of it, as was looked for."""
        self._incoming: Incoming | None = None
        self._twins = twins
        self._check = Check(wanted, rules.largest, twins)
        self._pending: list[bytes] = []
        self._gathered = 0

    @property
    def size(self) -> int:
        """Bytes that are here, in memory or in storage."""
        return self._check.size + self._gathered

    @property
    def sizes(self) -> set[int | None]:
        """Those that upstream states; None for none."""
        return {one.size for one in (self.wanted, *self._twins)}

    @property
    def is_small(self) -> bool:
        """Whether to finish takes less than a trip to a thread does."""
        return self._incoming is None and self._gathered <= SMALL

    def resume(self) -> None:
        """Go on with what an earlier try left, if it left anything. Blocks."""
        if not self._storage.holds(token(self.wanted)):
            return
        incoming = self._open()
        if not self.is_certain:
            self.restart()
            return
        self.mixed = True
        try:
            with incoming.reader() as stream:
                self._check.read(stream)
        except BadContent:  # longer than the file can be
            self.restart()
        except BaseException:
            incoming.keep()
            raise

    def gather(self, data: bytes) -> bool:
        """Take the next bytes; True when it is time to ``write`` them."""
        self._pending.append(data)
        self._gathered += len(data)
        return self._gathered >= CHUNK

    def write(self) -> None:
        """Write and hash what has gathered. Blocks."""
        pending, self._pending, self._gathered = self._pending, [], 0
        if not pending:
            return
        incoming = self._open()
        data = b"".join(pending)  # each piece would give the interpreter's lock away, and wait for it, several times
        self._check.update(data)
        admit(self.wanted, len(data), self._storage, self._rules)
        incoming.write(data)

    def restart(self) -> None:
        """Begin again at the first byte. Blocks."""
        if self._incoming is not None:
            self._incoming.restart()
        self._check = Check(self.wanted, self._rules.largest, self._twins)
        self._pending, self._gathered = [], 0
        self.mixed = False

    def verify(self) -> File:
        """The file, with its SHA-256. Blocks, unless it is small. Raises BadContent."""
        if self._incoming is None:
            self._check.update(b"".join(self._pending))
        else:
            self.write()
        return self._check.finish()

    def stage(self, file: File) -> tuple[Held, bytes]:
        """Stage the *file* that ``verify`` gave; as ``take_metadata`` leaves it. Blocks, unless it is small."""
        if self._incoming is None:
            data = b"".join(self._pending)
            metadata, own = take_metadata(file, BytesIO(data), self._storage, self._rules, new=self._is_new)
            self._storage.put((layout.file_key(file),), data)
        else:
            with self._incoming.reader() as stream:
                metadata, own = take_metadata(file, stream, self._storage, self._rules)
            self._incoming.stage(layout.file_key(file))
        etag, last_modified = self.validators.etag, self.validators.last_modified
        return Held(file, self._check.size, metadata, etag=etag, last_modified=last_modified), own

    def keep(self) -> None:
        """Stop here, and keep the bytes for a later try. Blocks."""
        try:
            self.write()
        finally:
            if self._incoming is not None:
                self._incoming.keep()

    def discard(self) -> None:
        """Stop here, and forget the bytes. Blocks."""
        if self._incoming is not None:
            self._incoming.discard()

    def _open(self) -> Incoming:
        if self._incoming is None:
            self._incoming = self._storage.receive(token(self.wanted))
        return self._incoming

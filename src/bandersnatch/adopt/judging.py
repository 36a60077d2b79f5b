"""Is it what was promised? Read once, for every digest that is needed."""

from __future__ import annotations

import hashlib
from concurrent.futures import CancelledError
from threading import Event

from bandersnatch.adopt.base import Digests, Promise, Source

CHUNK = 1 << 20
"""Bytes that are read and hashed at a time; hashlib lets go of the interpreter lock meanwhile."""


def read(source: Source, path: str, promise: Promise | None, stopped: Event) -> Digests:
    """
    The digests of the file at *path*, its MD5 only if *promise* is one of that.

    Raises StorageError, and CancelledError once *stopped* is set: a file can be large, and ^C waits for its reader.
    """
    sha256, blake2, size = hashlib.sha256(), hashlib.blake2b(digest_size=32), 0
    md5 = hashlib.md5(usedforsecurity=False) if promise is not None and _is_of_md5(promise) else None
    with source.open(path) as stream:
        while data := stream.read(CHUNK):
            if stopped.is_set():
                raise CancelledError
            sha256.update(data)
            blake2.update(data)
            if md5 is not None:
                md5.update(data)
            size += len(data)
    return Digests(sha256.hexdigest(), blake2.hexdigest(), md5.hexdigest() if md5 else "", size)


def _is_of_md5(promise: Promise) -> bool:
    return bool(promise.begins or (promise.md5 and not promise.sha256))


def broken(promise: Promise, digests: Digests) -> str:
    """What of *promise* the bytes do not keep, for people; empty if they keep all of it."""
    says = f"{promise.says} promises"
    if promise.size is not None and promise.size != digests.size:
        return f"it has {digests.size} bytes, {says} {promise.size}"
    if promise.sha256 and promise.sha256 != digests.sha256:
        return f"its SHA-256 is {digests.sha256}, {says} {promise.sha256}"
    if not promise.sha256 and promise.md5 and promise.md5 != digests.md5:
        return f"its MD5 is {digests.md5}, {says} {promise.md5}"
    if promise.either and promise.either not in (digests.blake2, digests.sha256):
        return f"its BLAKE2b-256 is {digests.blake2}, {says} {promise.either}"
    if promise.begins and not any(one.startswith(promise.begins) for one in (digests.sha256, digests.md5)):
        return f"its SHA-256 is {digests.sha256}, {says} one that begins with {promise.begins}"
    return ""

"""Which strings are keys and tokens, for every adapter alike."""

from __future__ import annotations

from functools import lru_cache

from bandersnatch import names


@lru_cache(maxsize=4096)
def split(key: str) -> tuple[str, ...]:
    """The parts of *key* between its slashes. Raises ValueError for one that could name a place outside the root."""
    parts = tuple(key.split("/"))
    if "\0" in key or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"not a key: {key[:200]!r}")
    return parts


def split_prefix(prefix: str) -> tuple[str, ...]:
    """The parts of a folder's name, () for the root. Raises ValueError as ``split`` does."""
    return split(prefix) if prefix else ()


def distinct(keys: tuple[str, ...]) -> tuple[str, ...]:
    """*keys*, each valid and each once. Raises ValueError if there is none."""
    if not keys:
        raise ValueError("no key to store the object under")
    for key in keys:
        split(key)
    return keys if len(keys) == 1 else tuple(dict.fromkeys(keys))


def check_token(token: str) -> None:
    """Raises ValueError unless *token* is 64 hexadecimal digits."""
    if not names.is_sha256(token):
        raise ValueError(f"not a token of 64 hexadecimal digits: {token[:80]!r}")

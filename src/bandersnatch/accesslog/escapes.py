"""Texts as nginx and Apache escape them between quotation marks."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "v": "\v", "f": "\f", "a": "\a"}


def unescaped(raw: bytes) -> str:
    r"""
    *raw* as the client sent it: ``\xHH`` is a byte, any other letter behind a backslash stands for itself.

    nginx writes ``\x22`` where Apache writes ``\"``. Bytes that are no UTF-8 are replaced. A lone dash is nothing.
    """
    if raw == b"-":
        return ""
    if b"\\" not in raw:
        return raw.decode("utf-8", "replace")
    text = _ESCAPE.sub(_letter, raw.decode("latin-1"))
    return text.encode("latin-1", "replace").decode("utf-8", "replace")


def _letter(found: re.Match[str]) -> str:
    digits, letter = found.groups()
    return chr(int(digits, 16)) if digits else _LETTERS.get(letter, letter)

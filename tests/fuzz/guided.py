"""One target under atheris, in a process of its own: ``python -m tests.fuzz.guided TARGET [FLAG ...]``."""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # the extra "fuzz"

# What is loaded here is watched; all of the libraries with it would take minutes.
with atheris.instrument_imports(include=["bandersnatch"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    target, *flags = sys.argv[1:]
    atheris.Setup(["fuzz", *flags], TARGETS[target])
    atheris.Fuzz()

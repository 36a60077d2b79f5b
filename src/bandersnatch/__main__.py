"""``bandersnatch`` and ``python -m bandersnatch``."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line, and exit with its code."""
    from bandersnatch.cli.main import run

    code = run(sys.argv[1:])
    if "pyreqwest" in sys.modules:
        _leave(code)
    sys.exit(code)


def _leave(code: int) -> NoReturn:
    """
    Exit without taking the interpreter down.

    The HTTP library's own threads may still be tidying up, and abort the program if they meet an interpreter that is
    half gone (seen with pyreqwest 0.15: 3 of 100 proofs on a busy machine). All that was to be written is written.
    """
    atexit._run_exitfuncs()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with contextlib.suppress(OSError, ValueError):  # the run has said by now what could not be written
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()

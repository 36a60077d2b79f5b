"""How the program ends once its work is done."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, sys
from bandersnatch import __main__
from bandersnatch.cli import main
{imports}
class Last:
    def __del__(self):
        print("the interpreter was taken down")
last = Last()
atexit.register(print, "what was promised for the end")
main.run = lambda arguments: print("said") or 3
__main__.main()
"""


@pytest.mark.parametrize(("imports", "down"), [("import pyreqwest", False), ("", True)])
def test_without_a_library_s_threads(imports: str, *, down: bool) -> None:
    """After HTTP the interpreter, which the library's threads may still use, is left as it is; nothing else is lost."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(imports=imports)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (3, "")
    lines = ["said", "what was promised for the end", *(["the interpreter was taken down"] if down else [])]
    assert done.stdout.splitlines() == lines

"""Run one command and write down what it and all its children used: ``launch.py REPORT SECONDS COMMAND…``.

Its own process is small, so that what is forked from it counts no memory that is not the command's; and all children
that it ever has are the command's, so that the kernel adds them up.
"""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time


def main() -> None:
    """Write the report: exit code (null if the time was up), seconds, kilobytes, bytes."""
    report, limit, *command = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.perf_counter()
    # A session of its own, so that whatever it started ends with it.
    child = subprocess.Popen(command, start_new_session=True)
    code = None
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = child.wait(float(limit))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    wall = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = {"code": code, "wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss}
    with open(report, "w") as stream:
        json.dump(answer | {"written": _written()}, stream)


def _written() -> int | None:
    """Bytes that children which have ended caused to be written to the disk; None where the kernel does not count."""
    with contextlib.suppress(OSError), open("/proc/self/io") as stream:
        facts = dict(line.split(": ") for line in stream)
        return int(facts["write_bytes"])
    return None


if __name__ == "__main__":
    main()

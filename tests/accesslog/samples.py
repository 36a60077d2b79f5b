"""What servers write, and what clients say of themselves."""

from __future__ import annotations

import json

FILE = "/packages/aa/bb/" + "c" * 60 + "/six-1.17.0-py2.py3-none-any.whl"

PIP = "pip/26.3 " + json.dumps(
    {
        "ci": None,
        "cpu": "x86_64",
        "distro": {"id": "bookworm", "libc": {"lib": "glibc", "version": "2.36"}, "name": "Debian GNU/Linux"},
        "implementation": {"name": "CPython", "version": "3.13.1"},
        "installer": {"name": "pip", "version": "26.3"},
        "python": "3.13.1",
        "system": {"name": "Linux", "release": "6.1.0-host-10-0-0-7"},
        "user_data": "10.0.0.7",
    }
)
UV = "uv/0.13.9 " + json.dumps(
    {
        "installer": {"name": "uv", "version": "0.13.9"},
        "python": "3.12.4",
        "implementation": {"name": "PyPy", "version": "7.3.17"},
        "distro": {"name": "macOS", "version": "15.1"},
        "system": {"name": "Darwin", "release": "24.1.0"},
    }
)


def escaped(text: str) -> str:
    """As nginx writes a text between quotation marks."""
    return text.replace("\\", "\\x5C").replace('"', "\\x22")


def combined(
    path: str = FILE,
    *,
    agent: str = PIP,
    status: int = 200,
    size: int = 11050,
    time: str = "28/Nov/2026:10:15:00 +0000",
    method: str = "GET",
    client: str = "192.0.2.7",
) -> bytes:
    """A line of nginx's combined format, without its end."""
    request = f"{method} {path} HTTP/1.1"
    return f'{client} - - [{time}] "{request}" {status} {size} "-" "{escaped(agent)}"'.encode()

"""The formats by the names that the configuration knows."""

from __future__ import annotations

from bandersnatch.accesslog.json_lines import json_lines
from bandersnatch.accesslog.lines import described, ordinary
from bandersnatch.accesslog.request import Reader, Request
from bandersnatch.errors import UsageError


def reader(form: str) -> Reader:
    """
    A reader of lines in the format *form*: ``auto``, ``combined``, ``common``, ``json``, or a description.

    ``auto`` tells JSON from combined and common line by line. Raises UsageError for what describes nothing.
    """
    match form:
        case "auto":
            return _either()
        case "combined" | "common":
            return ordinary()
        case "json":
            return json_lines()
        case _ if "$" in form or "%" in form:
            return described(form)
        case _:
            raise UsageError(
                f'no log format is called "{form}"; there are auto, combined, common and json, or write what '
                "log_format (nginx) or LogFormat (Apache) says"
            )


def _either() -> Reader:
    plain, structured = ordinary(), json_lines()

    def read(line: bytes) -> Request:
        return structured(line) if line[:1] == b"{" else plain(line)

    return read

"""User agents, reduced to what statistics are about: the installer, its version, the Python, the system.

Nothing else of a client's text is kept. So it cannot bring an address, a name of a machine or anything private into
the statistics, and there are few different ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from bandersnatch.values import Struct

OTHER = "other"
BROWSER = "browser"
BOT = "bot"

_OWN_NAMES = (
    "pip", "uv", "poetry", "pdm", "hatch", "twine", "pipenv", "pipx", "setuptools", "distribute", "pex", "conda",
    "mamba", "pixi", "bazel", "maturin", "Homebrew", "bandersnatch", "pep381client", "z3c.pypimirror", "shadowmire",
    "devpi", "Artifactory", "Nexus", "pypiserver", "proxpi", "morgan", "pip-audit", "unearth", "curl", "Wget", "aria2",
    "okhttp", "Java", "Go", "requests", "httpx", "aiohttp", "urllib", "urllib3",
)  # fmt: skip
INSTALLERS = {name.lower(): name for name in _OWN_NAMES} | {
    "devpi-server": "devpi",
    "pep381client-proxy": "pep381client",
    "python-requests": "requests",
    "python-httpx": "httpx",
    "python-urllib": "urllib",
    "python-urllib3": "urllib3",
    "go-http-client": "Go",
}
"""What is recognised, by the first part of a product in lower case."""

_LIBRARIES = frozenset({"requests", "httpx", "aiohttp", "urllib", "urllib3"})
"""What is named only where nothing better is: setuptools, for one, stands behind Python-urllib."""

IMPLEMENTATIONS = {name.lower(): name for name in ("CPython", "PyPy", "GraalPy", "Jython", "IronPython", "MicroPython")}
_SYSTEMS = (
    "Linux", "Darwin", "Windows", "FreeBSD", "OpenBSD", "NetBSD", "SunOS", "AIX", "Android", "iOS", "Emscripten",
)  # fmt: skip
SYSTEMS = {name.lower(): name for name in _SYSTEMS} | {
    "macos": "Darwin",
    "macintosh": "Darwin",
    "pyodide": "Emscripten",
}

_PRODUCT = re.compile(r"([A-Za-z][\w.+-]*)(?:/(\S*))?", re.ASCII)
_VERSION = re.compile(r"\d{1,8}(?:\.\d{1,8}){0,2}(?:(?:a|b|rc|\.post|\.dev)\d{1,4})?", re.ASCII)
_MINOR = re.compile(r"(\d{1,2})\.(\d{1,2})(?:\D|\Z)", re.ASCII)
_BRACKETS = re.compile(r"\([^()]*\)|\{.*\}", re.DOTALL)
_BOT = re.compile(
    r"bot\b|crawl|spider|slurp|scrapy|nutch|facebookexternal|scan|monitor|pingdom|uptime|healthcheck|kube-probe|preview",
    re.IGNORECASE,
)
_LONGEST = 8192


class Agent(Struct, frozen=True):
    """What a request was made with; empty is unknown."""

    installer: str = OTHER
    version: str = ""
    """Of the installer."""
    implementation: str = ""
    python: str = ""
    """The language's version as ``3.13``."""
    system: str = ""

    @property
    def text(self) -> str:
        """As a User-Agent of its own, ``pip/26.3 CPython/3.13 Linux``, which ``agent_of`` reads back."""
        parts = [f"{self.installer}/{self.version}" if self.version else self.installer]
        if self.implementation == "CPython":
            parts.append(f"CPython/{self.python}" if self.python else "CPython")
        else:
            parts += [self.implementation] if self.implementation else []
            parts += [f"Python/{self.python}"] if self.python else []
        return " ".join([*parts, self.system] if self.system else parts)


def agent_of(text: str) -> Agent:
    """The agent that says *text* of itself. Never raises."""
    text = text[:_LONGEST]
    if text.startswith("{"):
        return Agent()
    facts = _facts(text)
    products = [(name.lower(), version or "") for name, version in _PRODUCT.findall(_BRACKETS.sub(" ", text))]
    installer, version = _installer(products, text)
    if installer in (BROWSER, BOT):
        return Agent(installer)
    implementation, python = _python(products, facts)
    return Agent(installer, version, implementation, python, _system(products, facts, text))


def _installer(products: list[tuple[str, str]], text: str) -> tuple[str, str]:
    found = [(INSTALLERS[name], _matched(_VERSION, version)) for name, version in products if name in INSTALLERS]
    better = [one for one in found if one[0] not in _LIBRARIES]
    first = products[0][0] if products else ""
    if better and (first in INSTALLERS or better[0][0] == "devpi"):
        return better[0]
    if first == BOT or _BOT.search(text):
        return BOT, ""
    if first in (BROWSER, "mozilla", "opera"):
        return BROWSER, ""
    return (better or found or [(OTHER, "")])[0]


def _python(products: list[tuple[str, str]], facts: Mapping[str, Any]) -> tuple[str, str]:
    told = facts.get("implementation")
    implementation, python = "", _minor(facts.get("python"))
    if isinstance(told, Mapping):
        implementation = IMPLEMENTATIONS.get(str(told.get("name")).lower(), "")
        python = python or (_minor(told.get("version")) if implementation == "CPython" else "")
    for name, version in products:
        if not implementation and name in IMPLEMENTATIONS:
            implementation = IMPLEMENTATIONS[name]
            python = python or (_minor(version) if implementation == "CPython" else "")
        if not python and name in ("python", "python-urllib"):
            python = _minor(version)
    return implementation, python


def _system(products: list[tuple[str, str]], facts: Mapping[str, Any], text: str) -> str:
    told = facts.get("system")
    if isinstance(told, Mapping):
        return SYSTEMS.get(str(told.get("name")).lower(), "")
    named = next((SYSTEMS[name] for name, _ in products if name in SYSTEMS), "")
    return named or next((SYSTEMS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in SYSTEMS), "")


def _facts(text: str) -> Mapping[str, Any]:
    """The JSON that pip, uv and hatch send; empty where there is none that can be read."""
    begin, end = text.find("{"), text.rfind("}")
    if not 0 <= begin < end:
        return {}
    try:
        facts = msgspec.json.decode(text[begin : end + 1].encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, Mapping) else {}


def _minor(version: object) -> str:
    found = _MINOR.match(version) if isinstance(version, str) else None
    return f"{found[1]}.{found[2]}" if found else ""


def _matched(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return found[0] if found else ""

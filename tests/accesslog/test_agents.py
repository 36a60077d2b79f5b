"""User agents: what installers say of themselves is understood, and nothing else of it is kept."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.accesslog.agents import IMPLEMENTATIONS, INSTALLERS, SYSTEMS, Agent, agent_of
from tests.accesslog.samples import PIP, UV

AGENTS = [
    (PIP, "pip/26.3 CPython/3.13 Linux"),
    (UV, "uv/0.13.9 PyPy Python/3.12 Darwin"),
    ("pip/1.5.6 CPython/2.7.9 Linux/3.16", "pip/1.5.6 CPython/2.7 Linux"),
    ("poetry/2.5.1 CPython/3.11.7 Linux/6.1.0", "poetry/2.5.1 CPython/3.11 Linux"),
    ("pdm/2.29.3 CPython/3.11.7", "pdm/2.29.3 CPython/3.11"),
    ("unearth/0.18.2", "unearth/0.18.2"),
    (
        'Hatch/1.18.2 {"installer":{"name":"hatch"},"python":"3.14.0","system":{"name":"Windows"}} HTTPX/0.28.1',
        "hatch/1.18.2 Python/3.14 Windows",
    ),
    ("twine/7.0.0 requests/2.32.5 CPython/3.13.0", "twine/7.0.0 CPython/3.13"),
    ("Python-urllib/3.11 setuptools/84.2.1", "setuptools/84.2.1 Python/3.11"),
    ("setuptools/84.2 Python-urllib/3.11", "setuptools/84.2 Python/3.11"),
    ("Python-urllib/2.7 distribute/0.6.35", "distribute/0.6.35 Python/2.7"),
    ("Python-urllib/3.6", "urllib/3.6 Python/3.6"),
    ("bandersnatch/8.2.0 (cpython 3.12.1-final0, Linux 6.1 x86_64) (aiohttp 3.14)", "bandersnatch/8.2.0 Linux"),
    ("bandersnatch/9.0.0 (mirrors@example.org)", "bandersnatch/9.0.0"),
    ("devpi-server/6.20.3 (py3.13.1; linux)", "devpi/6.20.3 Linux"),
    ("Nexus/3.70.1-02 (OSS; Linux; 5.4; amd64; 17)", "Nexus/3.70.1 Linux"),
    ("python-requests/2.32.5", "requests/2.32.5"),
    ("Python/3.12 aiohttp/3.14.5", "aiohttp/3.14.5 Python/3.12"),
    ("curl/7.88.1", "curl/7.88.1"),
    ("Wget/1.21.3 (linux-gnu)", "Wget/1.21.3 Linux"),
    ("Homebrew/5.0.1 (Macintosh; arm64 Mac OS X 15.1) curl/8.7.1", "Homebrew/5.0.1 Darwin"),
    ("Go-http-client/2.0", "Go/2.0"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "browser"),
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
    ("python-requests/2.32 (our-crawler)", "bot"),
    ("kube-probe/1.33", "bot"),
    ("", "other"),
    ("-", "other"),
    ("10.0.0.7", "other"),
    ("ip-10-0-0-7/1.0", "other"),
    ("our-own-tool/1.0 (joe@10.0.0.7)", "other"),
    ("pip/10.0.0.7", "pip/10.0.0"),
    ("{not a product}", "other"),
    ("pip/26.3 {broken json", "pip/26.3"),
    ('pip/26.3 {"python": 3, "system": [], "implementation": {"name": {}, "version": null}}', "pip/26.3"),
]


@pytest.mark.parametrize(("said", "kept"), AGENTS, ids=[kept or "nothing" for _, kept in AGENTS])
def test_what_installers_say(said: str, kept: str) -> None:
    """What is known of each agent, as the statistics write it."""
    assert agent_of(said).text == kept


NAMES = st.sampled_from(sorted(set(INSTALLERS.values())))
NUMBERS = st.builds("{}.{}".format, st.integers(2, 4), st.integers(0, 30))


@given(
    NAMES,
    st.builds("{}.{}.{}".format, *[st.integers(0, 9999)] * 3),
    st.sampled_from(["", *IMPLEMENTATIONS.values()]),
    st.just("") | NUMBERS,
    st.sampled_from(["", *sorted(set(SYSTEMS.values()))]),
)
def test_what_is_written_is_read_back(
    installer: str, version: str, implementation: str, python: str, system: str
) -> None:
    """An agent's text is an agent's text: reading what the statistics hold gives what was counted."""
    if installer == "urllib":
        python = python or "3.1"  # its own version is the language's
    agent = Agent(installer, version, implementation, python, system)
    assert agent_of(agent.text) == agent


@given(NAMES, st.builds("{}.{}.{}".format, *[st.integers(0, 99)] * 3), NUMBERS, st.text(), st.text())
def test_json_of_installers(name: str, version: str, python: str, junk: str, more: str) -> None:
    """The JSON that pip, uv and others send is understood whatever else it holds, and nothing else of it is kept."""
    facts = {
        "user_data": junk,
        "ci": more,
        "distro": {"name": junk, "version": more},
        "implementation": {"name": "CPython", "version": f"{python}.1"},
        "python": f"{python}.1",
        "system": {"name": "Linux", "release": more},
    }
    said = f"{name}/{version} {json.dumps(facts)}"
    assert agent_of(said) == Agent(name, version, "CPython", python, "Linux")


@given(st.text() | st.from_regex(re.compile(r"(\w+/\d+(\.\d+)*|\(.*\)|\{.*\}| )+"), fullmatch=True))
def test_anything(said: str) -> None:
    """Any text is an agent, of a few known words and numbers, and reading it again changes nothing."""
    agent = agent_of(said)
    words = {agent.installer, agent.implementation, agent.system} - {"", "other", "browser", "bot"}
    assert words <= {*INSTALLERS.values(), *IMPLEMENTATIONS.values(), *SYSTEMS.values()}
    assert re.fullmatch(r"(\d+(\.\d+){0,2}((a|b|rc|\.post|\.dev)\d+)?)?", agent.version, re.ASCII)
    assert re.fullmatch(r"(\d+\.\d+)?", agent.python, re.ASCII)
    assert agent_of(agent.text).text == agent.text


def test_bombs() -> None:
    """Neither depth nor length of what a client sends is a burden."""
    assert agent_of("pip/26.3 " + '{"a":' * 100_000).text == "pip/26.3"
    assert agent_of("uv/1.0 {" + "[" * 4000 + "]" * 4000 + "}").text == "uv/1.0"

"""How uv is called and understood, with a program in its place that says what a test wants to hear."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from bandersnatch.errors import Conflict, UpstreamError, UsageError
from bandersnatch.resolver import uv
from bandersnatch.resolver.base import Pin, Resolver, Target
from bandersnatch.resolver.uv import UvResolver

TARGET = Target("3.12", "x86_64-manylinux_2_28", (("MACOSX_DEPLOYMENT_TARGET", "14.0"),))
INDEX = "http://127.0.0.1:1/secret/simple/"


class Stub:
    """A program that notes how it was called, prints *out* and *err*, and ends with *code*."""

    def __init__(self, home: Path, out: str = "", err: str = "", code: int = 0) -> None:
        self.path = home / "stub"
        self.notes = home / "notes"
        self.notes.mkdir()
        for name, text in (("out", out), ("err", err)):
            (self.notes / name).write_text(text)
        self.path.write_text(
            f"#!/bin/sh\ncd {self.notes}\nprintf '%s\\n' \"$@\" > args\nenv > environment\ncat > stdin\n"
            f'cp "$HOME"/* .\npwd > done\ncat out\ncat err >&2\nexit {code}\n'
        )
        self.path.chmod(0o755)

    def __getitem__(self, name: str) -> list[str]:
        return (self.notes / name).read_text().splitlines()


def resolve(
    stub: Stub, *requirements: str, index: str = INDEX, environment: dict[str, str] | None = None, **options: Any
) -> tuple[Pin, ...]:
    resolver: Resolver = UvResolver(str(stub.path), {"PATH": os.defpath, **(environment or {})})
    return asyncio.run(resolver.resolve(requirements or ("a",), TARGET, index, **options))


def test_pins_are_read(tmp_path: Path) -> None:
    """Each line is a project with its version and the projects that need it."""
    out = "a-b==1.0\nc==2!1.0rc1+x.y     # via -r -, a-b, d\n\nd==3   # via a-b\n"
    assert resolve(Stub(tmp_path, out, "Resolved 3 packages\n")) == (
        Pin("a-b", "1.0"),
        Pin("c", "2!1.0rc1+x.y", ("a-b", "d")),
        Pin("d", "3", ("a-b",)),
    )


@pytest.mark.parametrize("line", ["a @ https://example.org/a.zip", "-e .", "a>=1", "A_b==1", "a"])
def test_other_lines_are_refused(tmp_path: Path, line: str) -> None:
    """What is not a pin is not guessed at."""
    with pytest.raises(UpstreamError, match="no pinned version"):
        resolve(Stub(tmp_path, f"{line}\n"))


def test_what_uv_is_told(tmp_path: Path) -> None:
    """Requirements, constraints and target reach uv; no configuration, keyring, Python or cache does."""
    stub = Stub(tmp_path)
    resolve(stub, "a[x]>=1 ; python_version>'3'", "b", constraints=["c<3"])
    assert stub["stdin"] == ['a[x]>=1; python_version > "3"', "b"]
    assert stub["constraints.txt"] == ["c<3"]
    told = " ".join(stub["args"])
    for part in (
        "pip compile - ", "--python-version 3.12", "--python-platform x86_64-manylinux_2_28", "--no-build",
        "--no-cache", "--no-config", "--no-python-downloads",
        "--keyring-provider disabled", f"--python {sys.executable}",
    ):  # fmt: skip
        assert part in told
    assert "MACOSX_DEPLOYMENT_TARGET=14.0" in stub["environment"]


def test_builds_only_where_they_are_allowed(tmp_path: Path) -> None:
    """Build code runs on this machine only for who asked for it."""
    stub = Stub(tmp_path)
    resolve(stub, build=True)
    assert "--no-build" not in stub["args"]


def test_uv_sees_nothing_of_this_machine(tmp_path: Path) -> None:
    """Of the environment only the path passes, no proxy and no index; home and temporary files are in one place."""
    stub = Stub(tmp_path)
    inherited = {"UV_INDEX": "https://other.example.org", "PIP_EXTRA_INDEX_URL": "x", "HOME": "/root", "NETRC": "/n"}
    resolve(
        stub, environment={**inherited, "UV_DEFAULT_INDEX": "x", "https_proxy": "http://127.0.0.1:1", "ALL_PROXY": "x"}
    )
    seen = dict(line.split("=", 1) for line in stub["environment"])
    assert not {"UV_INDEX", "PIP_EXTRA_INDEX_URL", "NETRC", "https_proxy", "ALL_PROXY"} & seen.keys()
    assert seen["HOME"] == seen["TMPDIR"] != "/root"
    assert seen["UV_PYTHON_DOWNLOADS"] == "never"
    assert seen["UV_DEFAULT_INDEX"] == INDEX
    assert int(seen["UV_HTTP_TIMEOUT"]) > 60  # it is we who know how long upstream may take
    assert not Path(seen["HOME"]).exists()


def test_the_address_is_shown_to_nobody(tmp_path: Path) -> None:
    """The index's address, which nobody else may know, is not on the command line and in no message."""
    stub = Stub(tmp_path, "", f"error: No solution found: {INDEX}a/ is not there\n", 1)
    with pytest.raises(Conflict, match="the index/a/ is not there") as error:
        resolve(stub)
    assert "secret" not in " ".join(stub["args"]) + str(error.value)


@pytest.mark.parametrize(
    "text", ["-r /etc/hosts", "--index-url=https://x.example.org", "a\n--pre", "./a", "a @ file:///a"]
)
def test_requirements_cannot_be_options(tmp_path: Path, text: str) -> None:
    """What is not a requirement by name is refused, with all that are wrong, before anything runs."""
    stub = Stub(tmp_path)
    with pytest.raises(UsageError) as error:
        resolve(stub, text, "good", "also bad")
    assert len(error.value.problems) == 2
    assert not (stub.notes / "done").exists()


def test_a_conflict_in_uv_s_words(tmp_path: Path) -> None:
    """A conflict is told as uv tells it, without its warnings, and with what would let sources count."""
    err = "warning: x\nerror: No solution found when resolving:\n  because building from source is disabled\n"
    with pytest.raises(Conflict) as error:
        resolve(Stub(tmp_path, "", err, 1))
    first, *_, last = str(error.value).splitlines()
    assert first == "No solution found when resolving:"
    assert "--build" in last
    assert "warning" not in str(error.value)


@pytest.mark.parametrize(
    ("err", "said"), [("error: connection refused", "connection refused"), ("", "code 2 and said")]
)
def test_other_failures(tmp_path: Path, err: str, said: str) -> None:
    """What is not a conflict is upstream's failure: another try may help."""
    with pytest.raises(UpstreamError, match=said):
        resolve(Stub(tmp_path, "a==1\n", err, 2))


def test_long_explanations(tmp_path: Path) -> None:
    """An explanation without end loses its middle."""
    with pytest.raises(Conflict) as error:
        resolve(Stub(tmp_path, "", "error: No solution found " + "x" * 50_000 + " the end", 1))
    assert len(str(error.value)) < 10_000
    assert str(error.value).endswith("the end")


def test_the_program_is_found_or_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's program comes first, then the PATH, then the user's own; without any it is said what to install."""
    assert Path(uv.find({})).name == "uv"
    monkeypatch.setitem(sys.modules, "uv", None)
    home, path = tmp_path / "home", tmp_path / "path"
    environment = {"PATH": str(path), "HOME": str(home)}
    with pytest.raises(UsageError, match="pipx install uv") as refused:
        uv.find(environment)
    assert f"({sys.executable} -m pip install uv)" in str(refused.value)
    for folder in (home / ".local/bin", path):
        folder.mkdir(parents=True)
        (folder / "uv").write_text("#!/bin/sh\n")
        (folder / "uv").chmod(0o755)
        assert uv.find(environment) == str(folder / "uv")


def test_a_program_that_cannot_run(tmp_path: Path) -> None:
    """A program that is not one is the operator's to mend; one that is slow is not."""
    with pytest.raises(UsageError, match="cannot be run"):
        asyncio.run(UvResolver(str(tmp_path / "absent"), {}).resolve(["a"], TARGET, INDEX))
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 600\n")
    slow.chmod(0o755)
    with pytest.raises(UpstreamError, match="took longer"):
        asyncio.run(UvResolver(str(slow), {"PATH": os.defpath}, timeout=0.1).resolve(["a"], TARGET, INDEX))

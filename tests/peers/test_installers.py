"""What installers make of a mirror: the final judges of every page."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bandersnatch.testing import Index, UpstreamServer
from tests.peers import installers, samples, servers
from tests.peers.servers import Site

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]


@pytest.mark.parametrize("name", installers.INSTALLERS)
def test_install(
    name: str, any_site: Site, site_name: str, tmp_path: Path, tried: Callable[[str, str, str, str], None]
) -> None:
    """Each installer gets a project and all it needs from each server: nothing yanked, nothing for another Python."""
    python = installers.INSTALLERS[name](tmp_path, any_site.simple, "alpha")
    assert installers.versions(python, tmp_path, samples.INSTALLED) == samples.INSTALLED
    tried("Clients", installers.shown(name), site_name, "right")


@pytest.mark.parametrize("name", ["pip", "uv", "poetry", "pdm"])
def test_core_metadata_is_used(name: str, nginx: Site, tmp_path: Path) -> None:
    """A release that cannot be installed is recognised by its core metadata: its wheel is never fetched."""
    installers.INSTALLERS[name](tmp_path, nginx.simple, "alpha")
    asked = [one.path.rpartition("/")[2] for one in nginx.asked() if one.status in (200, 206)]
    assert "alpha-1.9-py3-none-any.whl.metadata" in asked
    assert "alpha-1.9-py3-none-any.whl" not in asked
    assert asked.count("alpha-1.0-py3-none-any.whl") == 1


@pytest.mark.parametrize("name", [name for name in installers.INSTALLERS if name not in ("pip-tools", "pipenv")])
def test_nothing_is_missed(name: str, nginx: Site, tmp_path: Path) -> None:
    """
    No installer is answered an error: what it asks for, the mirror has.

    pip-tools also asks for PyPI's older JSON, at a place that fits PyPI alone, and pipenv for the newest pip.
    """
    installers.INSTALLERS[name](tmp_path, nginx.simple, "alpha")
    assert [one for one in nginx.asked() if one.status >= 400] == []


def test_upload_time_with_pip(site: Site, tmp_path: Path) -> None:
    """pip leaves out what was uploaded after a date."""
    options = ("--no-deps", "--uploaded-prior-to", "2024-01-01T00:00:00Z", "--index-url", site.simple)
    done = installers.pip("pip", tmp_path, "download", "--dest", str(tmp_path), *options, "dated")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.glob("*.whl")] == ["dated-1.0-py3-none-any.whl"]


@pytest.mark.parametrize(("date", "version"), [("2024-01-01", "1.0"), ("2026-01-01", "2.0")])
def test_upload_time_with_uv(date: str, version: str, site: Site, tmp_path: Path) -> None:
    """uv leaves out what was uploaded after a date."""
    (tmp_path / "requirements.in").write_text("dated\n")
    done = installers.uv(
        tmp_path, "pip", "compile", "requirements.in", "--default-index", site.simple, "--exclude-newer", date
    )
    assert done.returncode == 0, done.stderr
    assert f"dated=={version}\n" in done.stdout


def test_yanked_by_name(site: Site, tmp_path: Path) -> None:
    """A yanked release can be had by its exact version, and pip shows the reason as it was given."""
    options = ("--no-deps", "--dest", str(tmp_path), "--index-url", site.simple)
    done = installers.pip("pip", tmp_path, "download", *options, "alpha==2.0")
    assert done.returncode == 0, done.stderr
    assert 'broken, see "#1" & <others>' in done.stderr + done.stdout


def test_another_python(site: Site, tmp_path: Path) -> None:
    """A release for another Python is there for who has that Python."""
    options = ("--no-deps", "--python-version", "3.99", "--only-binary", ":all:", "--index-url", site.simple)
    done = installers.pip("pip", tmp_path, "download", "--dest", str(tmp_path), *options, "alpha")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.glob("*.whl")] == ["alpha-3.0-py3-none-any.whl"]


def test_unknown_project(site: Site, tmp_path: Path) -> None:
    """uv goes on to a second index for a project that the mirror has not got."""
    with UpstreamServer() as other:
        other.index.upload("elsewhere", "1.0")
        (tmp_path / "requirements.in").write_text("elsewhere\nbeta\n")
        options = ("--index", site.simple, "--default-index", f"{other.url}/simple/")
        done = installers.uv(tmp_path, "pip", "compile", "requirements.in", *options)
    assert done.returncode == 0, done.stderr
    assert "elsewhere==1.0\n" in done.stdout


# --- without any server --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pip", "old-pip", "uv"])
def test_no_server(name: str, web: Path, tmp_path: Path) -> None:
    """The tree can be installed from where it lies, by a file: address."""
    python = installers.INSTALLERS[name](tmp_path, f"{web.as_uri()}/simple/", "alpha")
    assert installers.versions(python, tmp_path, samples.INSTALLED) == samples.INSTALLED


# --- damage --------------------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(web: Path, tmp_path: Path) -> Path:
    """A copy of the tree in which another wheel, and a good one, has the place of alpha's."""
    copy = tmp_path / "damaged"
    shutil.copytree(web, copy)
    [wheel] = copy.glob("packages/*/*/*/alpha-1.0-*.whl")
    wheel.write_bytes(Index().upload("alpha", "1.0", requires_dist=samples.NEEDS, padding=1).content)
    return copy


def test_pip_checks_hashes(damaged: Path, tmp_path: Path) -> None:
    """A file that is not what the page says is refused by pip, old and new: the pages carry hashes that it reads."""
    with servers.nginx(damaged, tmp_path / "nginx", servers.documented_nginx()) as site:
        for tool in ("pip", "old-pip"):
            options = ("--no-deps", "--dest", str(tmp_path), "--index-url", site.simple)
            done = installers.pip(tool, tmp_path, "download", *options, "alpha==1.0")
            assert done.returncode == 1
            assert "DO NOT MATCH THE HASHES" in done.stderr


def test_uv_checks_hashes(damaged: Path, tmp_path: Path) -> None:
    """What uv locks from the pages' hashes, it does not install from other bytes."""
    (tmp_path / "requirements.in").write_text("alpha==1.0\n")
    with servers.nginx(damaged, tmp_path / "nginx", servers.documented_nginx()) as site:
        index = ("--default-index", site.simple)
        compiled = installers.uv(
            tmp_path, "pip", "compile", "requirements.in", "--generate-hashes", *index, "-o", "requirements.txt"
        )
        assert compiled.returncode == 0, compiled.stderr
        python = installers.fresh(tmp_path)
        done = installers.uv(
            tmp_path, "pip", "sync", "--python", str(python), "--require-hashes", *index, "requirements.txt"
        )
    assert done.returncode != 0
    assert "Hash mismatch" in done.stderr

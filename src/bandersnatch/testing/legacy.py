"""PyPI's older JSON, ``/pypi/<name>/json`` and ``/pypi/<name>/<version>/json``, which PEP 381's mirrors still read."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from packaging.version import InvalidVersion, Version

from bandersnatch.testing.distributions import KINDS
from bandersnatch.testing.state import ProjectState, Release, UploadedFile, version_order
from bandersnatch.testing.view import View

# What the index of the tests knows nothing about; the keys are there all the same, since clients read them unasked.
_EMPTY_INFO: dict[str, Any] = {
    "author": "",
    "author_email": "",
    "bugtrack_url": None,
    "classifiers": [],
    "description": "",
    "description_content_type": None,
    "docs_url": None,
    "download_url": "",
    "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
    "dynamic": None,
    "home_page": "",
    "keywords": None,
    "license": None,
    "license_expression": None,
    "license_files": None,
    "maintainer": "",
    "maintainer_email": "",
    "platform": None,
    "project_urls": None,
    "provides_extra": None,
}


def document(view: View, project: ProjectState, version: str | None) -> dict[str, Any] | None:
    """The JSON of *project*, or of one version of it; None where PyPI answers 404."""
    shown = [release for release in project.releases if not release.quarantined]
    if project.status == "quarantined" or not shown:
        return None
    release = latest(shown) if version is None else next((r for r in shown if r.version == version), None)
    if release is None:
        return None
    answer: dict[str, Any] = {
        "info": _info(view, project, release),
        "last_serial": view.serial(project.serial),
        "ownership": {"organization": None, "roles": []},
        "urls": _files(view, project, release),
        "vulnerabilities": [],
    }
    if version is None:
        ordered = sorted(shown, key=lambda release: version_order(release.version))
        answer["releases"] = {each.version: _files(view, project, each) for each in ordered}
    if view.behaviour.serials == "none":
        del answer["last_serial"]
    return answer


def latest(releases: list[Release]) -> Release:
    """The release that stands for its project: rather not yanked, rather not a pre-release, then the newest."""
    return max(releases, key=lambda r: (r.yanked is None, not _is_prerelease(r.version), version_order(r.version)))


def _is_prerelease(version: str) -> bool:
    try:
        return Version(version).is_prerelease
    except InvalidVersion:
        return False


def _info(view: View, project: ProjectState, release: Release) -> dict[str, Any]:
    """What the first file of the release says: PyPI keeps the metadata of the first upload."""
    first = next((file for file in project.files if file.version == release.version), None)
    address = f"{view.url}/project/{project.name}/"
    return _EMPTY_INFO | {
        "name": project.display,
        "version": release.version,
        "summary": first.summary if first else "",
        "requires_python": first.requires_python if first else None,
        "requires_dist": list(first.requires_dist) or None if first else None,
        "package_url": address,
        "project_url": address,
        "release_url": f"{address}{release.version}/",
        "yanked": release.yanked is not None,
        "yanked_reason": release.yanked or None,
    }


def _files(view: View, project: ProjectState, release: Release) -> list[dict[str, Any]]:
    return [_file(view, file, release) for file, _ in project.visible if file.version == release.version]


def _file(view: View, file: UploadedFile, release: Release) -> dict[str, Any]:
    host = view.files_url if view.behaviour.separate_files_host else view.url
    return {
        "comment_text": None,
        "core-metadata": {"sha256": file.metadata_sha256} if file.metadata_sha256 else False,
        "digests": {"blake2b_256": file.blake2b, "md5": file.md5, "sha256": file.sha256},
        "downloads": -1,
        "filename": file.filename,
        "has_sig": False,
        "md5_digest": file.md5,
        "packagetype": KINDS[file.kind].packagetype,
        "python_version": file.python_version,
        "requires_python": file.requires_python,
        "size": file.size,
        "upload_time": file.upload_time[:19],
        "upload_time_iso_8601": file.upload_time,
        "url": host + quote(file.path, safe="/+!"),
        "yanked": release.yanked is not None,
        "yanked_reason": release.yanked or None,
    }

"""Pages as bytes: JSON (PEP 691, 700, 740, 792) and HTML (PEP 503, 592, 629, 658, 714), as PyPI writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from bandersnatch.testing.state import ProjectState, Release, UploadedFile
from bandersnatch.testing.view import View


def list_json(view: View, projects: Sequence[ProjectState], serial: int) -> bytes:
    """The list of *projects*, with *serial* as that of the whole."""
    numbered = view.behaviour.serials != "none" and view.behaviour.list_serials
    entries: list[dict[str, Any]] = [{"name": project.display} for project in projects]
    if numbered:
        entries = [{"_last-serial": view.serial(p.serial), "name": p.display} for p in projects]
    return _dump({"meta": _meta(view, serial if numbered else None), "projects": entries})


def list_html(view: View, projects: Sequence[ProjectState], serial: int) -> bytes:
    """The list of *projects* for people and old clients."""
    root = "" if view.behaviour.relative_urls else "/simple/"
    links = [f'<a href="{root}{project.name}/">{escape(project.display)}</a><br />' for project in projects]
    return _html(view, "Simple index", [], links, serial if view.behaviour.list_serials else None)


def project_json(view: View, project: ProjectState) -> bytes:
    """The page of *project*."""
    version = view.behaviour.api_version
    page: dict[str, Any] = {
        "files": [_file(view, file, release) for file, release in project.visible],
        "meta": _meta(view, project.serial if view.behaviour.serials != "none" else None),
        "name": project.name,
    }
    if version == "1.4":
        page["project-status"] = {"status": project.status}
    if version != "1.0":
        page["versions"] = list(project.versions)
    return _dump(page)


def project_html(view: View, project: ProjectState) -> bytes:
    """The page of *project* for people and old clients."""
    metas = [("pypi:project-status", project.status)] if view.behaviour.api_version == "1.4" else []
    links = [_link(view, file, release) for file, release in project.visible]
    return _html(view, f"Links for {project.name}", metas, links, project.serial)


def _meta(view: View, serial: int | None) -> dict[str, Any]:
    version = {"api-version": view.behaviour.api_version}
    return version if serial is None else {"_last-serial": view.serial(serial), **version}


def _file(view: View, file: UploadedFile, release: Release) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "filename": file.filename,
        "hashes": {algorithm: file.digest(algorithm) for algorithm in view.behaviour.hashes},
        "requires-python": file.requires_python,
        "url": view.file_url(file),
        "yanked": release.yanked is not None and (release.yanked or True),
    }
    if view.behaviour.api_version != "1.0":
        entry |= {"size": file.size, "upload-time": file.upload_time}
    if view.behaviour.core_metadata:
        metadata = {"sha256": file.metadata_sha256} if file.metadata_sha256 else False
        # The first key is PyPI's own misspelling of PEP 658's; clients may have come to rely on it.
        entry |= {"data-dist-info-metadata": metadata, "core-metadata": metadata}
    if view.behaviour.provenance and view.behaviour.api_version == "1.4":
        entry["provenance"] = view.provenance_url(file)
    return entry


def _link(view: View, file: UploadedFile, release: Release) -> str:
    fragment = next((f"#{algorithm}={file.digest(algorithm)}" for algorithm in view.behaviour.hashes), "")
    attributes = [("href", view.file_url(file) + fragment)]
    if file.requires_python is not None:
        attributes.append(("data-requires-python", file.requires_python))
    if view.behaviour.core_metadata and file.metadata_sha256:
        digest = f"sha256={file.metadata_sha256}"
        attributes += [("data-dist-info-metadata", digest), ("data-core-metadata", digest)]
    if release.yanked is not None:
        attributes.append(("data-yanked", release.yanked))
    provenance = view.provenance_url(file)
    if provenance and view.behaviour.provenance and view.behaviour.api_version == "1.4":
        attributes.append(("data-provenance", provenance))
    written = " ".join(f'{name}="{escape(value)}"' for name, value in attributes)
    return f"<a {written}>{escape(file.filename)}</a><br />"


def _html(view: View, title: str, metas: Sequence[tuple[str, str]], links: Sequence[str], serial: int | None) -> bytes:
    version = ("pypi:repository-version", view.behaviour.api_version)
    head = "\n".join(f'    <meta name="{name}" content="{value}">' for name, value in (version, *metas))
    body = "\n".join(links)
    comment = "" if serial is None or view.behaviour.serials == "none" else f"<!--SERIAL {serial}-->"
    return f"""\
<!DOCTYPE html>
<html lang="en">
  <head>
{head}
    <title>{title}</title>
  </head>
  <body>
    <h1>{title}</h1>
{body}
  </body>
</html>
{comment}""".encode()


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()

"""The contents of a release's commit: all files, one file, one file's difference piece by piece."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from paas.portal.pages import asked_number, find_release, page, person
from paas.portal.releases.differences import DiffLine, diff_lines
from provisioning.exceptions import ProvisioningError
from provisioning.releases.selectors.diffs import address_of
from provisioning.releases.services.readings import file_diff_show, file_of, tree_of
from provisioning.repositories.reading.difference import fitting
from provisioning.repositories.reading.texts import MAX_TEXT_BYTES, is_text
from provisioning.repositories.reading.types import SUBMODULE, TreeFile
from tenants.exceptions import TenantsError
from tenants.hostile_text import shown_bytes, shown_path
from tenants.releases.models.release import Release

FILES_PER_PAGE = 500


@page()
def release_files(request: HttpRequest, release: int) -> HttpResponse:
    row = find_release(request, release)
    try:
        _copy, tree = tree_of(row)
    except (ProvisioningError, TenantsError) as error:
        return _files(request, row, [], str(error))
    return _files(request, row, tree, "")


def _files(request: HttpRequest, release: Release, tree: list[TreeFile], notice: str) -> HttpResponse:
    listed = Paginator([_listed(file) for file in tree], FILES_PER_PAGE).get_page(request.GET.get("page"))
    context = {"app": release.app, "release": release, "page": listed, "notice": notice}
    return render(request, "portal/release_files.html", context, status=503 if notice else 200)


def _listed(file: TreeFile) -> dict[str, Any]:
    return {
        "path": shown_path(file.path),
        "address": address_of(file.path),
        "kind": file.kind,
        "mode": file.mode,
        "size": file.size,
        "is_readable": file.mode != SUBMODULE,
    }


@page()
def release_file(request: HttpRequest, release: int) -> HttpResponse:
    """One file as it is in the commit."""
    row = find_release(request, release)
    offset = asked_number(request, "offset", 0)
    try:
        found = file_of(row, address=request.GET.get("path", ""))
        content = found.content() if found is not None and found.file.size <= MAX_TEXT_BYTES else b""
    except (ProvisioningError, TenantsError) as error:
        return _shown(request, row, {"path": "", "notice": str(error)}, status=503)
    if found is None:
        raise Http404
    context: dict[str, Any] = {
        "path": shown_path(found.file.path),
        "address": address_of(found.file.path),
        "facts": f"{found.file.kind} {found.file.mode}, {found.file.size} bytes, content {found.file.blob}",
        "is_file": True,
    }
    if found.file.size > MAX_TEXT_BYTES:
        context["notice"] = "It is too large for a page: download it."
    elif not is_text(found.file.path, content):
        context["notice"] = "It is no text: download it."
    elif not content:
        context["notice"] = "The file is empty."
    else:
        lines = content.split(b"\n")
        lines = lines[:-1] if not lines[-1] else lines
        shown = [DiffLine("same", shown_bytes(line)) for line in fitting(lines[offset:])]
        context |= _range(shown, offset, len(lines))
    return _shown(request, row, context)


@page("GET")
def release_file_diff(request: HttpRequest, release: int) -> HttpResponse:
    """One file's difference, piece by piece. A file counts as shown once its last piece was sent."""
    row = find_release(request, release)
    offset, address = asked_number(request, "offset", 0), request.GET.get("path", "")
    try:
        piece = file_diff_show(row, address=address, offset=offset, actor=person(request))
    except TenantsError as error:
        return _shown(request, row, {"path": "", "notice": error.detail}, status=error.status)
    except ProvisioningError as error:
        return _shown(request, row, {"path": "", "notice": str(error)}, status=503)
    context = {"path": piece["path"], "address": piece["address"], "is_file": False}
    return _shown(request, row, context | _range(diff_lines(piece["diff"]), offset, piece["lines"]))


def _range(lines: list[DiffLine], offset: int, total: int) -> dict[str, Any]:
    end = offset + len(lines)
    return {
        "lines": lines,
        "first": offset + 1,
        "last": end,
        "total": total,
        "next_offset": end if end < total and lines else None,
        "next_line": end + 1,
    }


def _shown(request: HttpRequest, release: Release, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    context |= {"app": release.app, "release": release}
    return render(request, "portal/release_file.html", context, status=status)

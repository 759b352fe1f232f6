"""A release's contents for its reviewers: the difference in parts, files, and the whole commit."""

from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models import QuerySet
from django.http import Http404, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provisioning.releases.api import serializers_readings as shapes
from provisioning.releases.selectors.diffs import address_of
from provisioning.releases.services import readings
from provisioning.repositories.reading import streams
from tenants.access.finding import get_release
from tenants.exceptions import InvalidInput
from tenants.hostile_text import shown_path
from tenants.releases.models.release import Release
from tenants.rest.base import signed_in

_PATH = OpenApiParameter("path", str, required=True, description="The file's `address`: a path, percent-encoded")
_LARGEST = 2**31
# No HEAD: a text that was not sent was not shown.
_SHOWING = ["get", "options"]


def _release(request: Request, pk: int) -> Release:
    return get_release(request.user, pk, queryset=_releases())


def _releases() -> QuerySet[Release]:
    return Release.objects.select_related("app__organization", "environment__current_release__app")


def _number(request: Request, name: str, default: int, least: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and least <= int(text[:20]) < _LARGEST):
        raise InvalidInput.field(name, f"is not a whole number from {least} on")
    return int(text)


def _address(request: Request) -> str:
    text: str = request.query_params.get("path", "")
    if not text or len(text) > 16_384:
        raise InvalidInput.field("path", "is missing: send a file's `address`")
    return text


class _Bytes(BaseContentNegotiation):
    """These answers are files, whatever the client accepts; problems are JSON."""

    def select_parser(self, _request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, _request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class ReleaseDiffView(APIView):
    http_method_names = _SHOWING
    access_actions = {"GET": "release.view"}

    @extend_schema(
        parameters=[OpenApiParameter("part", int, description="Which of `parts`; 1 without")],
        responses=shapes.ReleaseDiffSerializer,
    )
    def get(self, request: Request, release: int) -> Response:
        """The changes that the release makes in its environment; after a decision, those that it made then.

        Every changed file is named in each part. `omitted` says which texts this part does not have, and why.
        """
        row, part = _release(request, release), _number(request, "part", 1, 1)
        return Response(shapes.ReleaseDiffSerializer(readings.diff_show(row, part=part, actor=signed_in(request))).data)


class ReleaseFileDiffView(APIView):
    http_method_names = _SHOWING
    access_actions = {"GET": "release.view"}

    @extend_schema(
        parameters=[_PATH, OpenApiParameter("offset", int, description="The first line of the piece; 0 without")],
        responses=shapes.FileDiffPieceSerializer,
    )
    def get(self, request: Request, release: int) -> Response:
        """A piece of one file's difference: `next_offset` leads to the one after it."""
        row, offset = _release(request, release), _number(request, "offset", 0, 0)
        shown = readings.file_diff_show(row, address=_address(request), offset=offset, actor=signed_in(request))
        return Response(shapes.FileDiffPieceSerializer(shown).data)


class ReleaseTreeView(APIView):
    access_actions = {"GET": "release.view"}

    @extend_schema(responses=shapes.ReleaseTreeSerializer)
    def get(self, request: Request, release: int) -> Response:
        """Every file of the release's commit."""
        row = _release(request, release)
        _copy, tree = readings.tree_of(row)
        files = [
            {
                "path": shown_path(file.path),
                "address": address_of(file.path),
                "type": file.kind,
                "mode": file.mode,
                "size": file.size,
                "blob": file.blob,
            }
            for file in tree
        ]
        return Response(shapes.ReleaseTreeSerializer({"commit_sha": row.commit_sha, "files": files}).data)


class ReleaseFileView(APIView):
    http_method_names = _SHOWING
    access_actions = {"GET": "release.view"}
    content_negotiation_class = _Bytes
    renderer_classes = [JSONRenderer]

    @extend_schema(parameters=[_PATH], responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, release: int) -> StreamingHttpResponse:
        """The bytes of one file of the release's commit; of a symbolic link, its target."""
        row = _release(request, release)
        found = readings.file_of(row, address=_address(request))
        if found is None:
            raise Http404
        body = streams.output(found.copy.directory, "cat-file", "blob", found.file.blob)
        actor = signed_in(request)

        async def noted() -> AsyncIterator[bytes]:
            async for chunk in body:
                yield chunk
            # It counts once the last byte is on its way.
            await sync_to_async(readings.file_handed_over)(row, file=found.file, actor=actor)

        return _download(noted(), "application/octet-stream", address_of(found.file.path).rpartition("/")[2])


class ReleaseArchiveView(APIView):
    access_actions = {"GET": "release.view"}
    content_negotiation_class = _Bytes
    renderer_classes = [JSONRenderer]

    @extend_schema(responses={(200, "application/gzip"): OpenApiTypes.BINARY})
    def get(self, request: Request, release: int) -> StreamingHttpResponse:
        """The release's commit as a tar archive, compressed by gzip: byte for byte what would be deployed."""
        row = _release(request, release)
        return archive_of(row)


def archive_of(release: Release) -> StreamingHttpResponse:
    copy, _tree = readings.tree_of(release)
    name = f"{release.app.public_id}-r{release.number}"
    options = ("--format=tar.gz", f"--prefix={name}/", release.commit_sha)
    return _download(streams.output(copy.directory, "archive", *options), "application/gzip", f"{name}.tar.gz")


def _download(body: Any, content_type: str, name: str) -> StreamingHttpResponse:
    """Never shown by a browser: a plugin's file is hostile, and would be on Berth's own origin."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return StreamingHttpResponse(body, content_type=content_type, headers=headers)

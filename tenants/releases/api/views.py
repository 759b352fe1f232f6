"""Releases and the decisions on them."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants import access, validators
from tenants.access import rows
from tenants.releases.models.release import Release
from tenants.releases.services.releases import release_cancel, release_submit
from tenants.rest import serializers
from tenants.rest.base import again, get_app, get_environment, get_release, signed_in
from tenants.rest.filters import AppReleaseFilter, ReleaseFilter
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentCreate
from tenants.reviews.selectors import earlier_decisions
from tenants.reviews.services.reviews import release_approve, release_reject


class ReleaseListView(ListAPIView):
    """All releases that you may see, newest first."""

    access_actions = {"GET": "release.view"}
    serializer_class = serializers.ReleaseSerializer
    filterset_class = ReleaseFilter

    def get_queryset(self) -> QuerySet[Release]:
        return access.restrict(rows.releases(), self.request.user, "release.view")


class AppReleaseListView(IdempotentCreate, ListAPIView):
    access_actions = {"GET": "release.view", "POST": "release.submit"}
    serializer_class = serializers.ReleaseSerializer
    filterset_class = AppReleaseFilter

    def get_queryset(self) -> QuerySet[Release]:
        if getattr(self, "swagger_fake_view", False):
            return Release.objects.none()
        app = get_app(self.request, self.kwargs["app"])
        return access.restrict(rows.releases().filter(app=app), self.request.user, "release.view")

    @extend_schema(
        request=serializers.ReleaseCreate, responses={201: serializers.ReleaseSerializer}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Asks for a commit to run in an environment, with its settings and variables as they are now."""
        return super().post(request, **kwargs)

    def create(self, request: Request, **kwargs: Any) -> Release:
        get_app(request, kwargs["app"])
        sent = serializers.ReleaseCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        name, ref, notes = (sent.validated_data[field] for field in ("environment", "ref", "notes"))
        validators.together(
            lambda: validators.environment_name(name),
            lambda: validators.ref(ref),
            lambda: validators.free_text(notes, field="notes"),
        )
        environment = get_environment(request, kwargs["app"], name)
        return release_submit(environment=environment, ref=ref, notes=notes, actor=signed_in(request))

    def represent(self, row: Release) -> Any:
        return serializers.ReleaseSerializer(again(rows.releases(), row)).data


class ReleaseView(APIView):
    access_actions = {"GET": "release.view"}

    @extend_schema(responses=serializers.ReleaseDetailSerializer)
    def get(self, request: Request, release: int) -> Response:
        return _shown(request, get_release(request, release))


class ApproveView(APIView):
    access_actions = {"POST": "release.approve"}

    @extend_schema(request=serializers.Approval, responses=serializers.ReleaseDetailSerializer)
    def post(self, request: Request, release: int) -> Response:
        """Lets the release go live. Reviewers only, and none on a release of their own.

        The first part of the difference counts as read. What it does not show whole must have been shown to you by the
        other parts, by `diff/file/` up to its end or by `files/content/`, or stand in `acknowledged`.
        """
        row = get_release(request, release)
        sent = _sent(serializers.Approval, request)
        return _shown(request, release_approve(release=row, **sent, actor=signed_in(request)))


class RejectView(APIView):
    access_actions = {"POST": "release.reject"}

    @extend_schema(request=serializers.Rejection, responses=serializers.ReleaseDetailSerializer)
    def post(self, request: Request, release: int) -> Response:
        """Ends the release, and says why. Reviewers only, and none on a release of their own."""
        row = get_release(request, release)
        sent = _sent(serializers.Rejection, request)
        return _shown(request, release_reject(release=row, **sent, actor=signed_in(request)))


class CancelView(APIView):
    access_actions = {"POST": "release.cancel"}

    @extend_schema(request=serializers.Cancellation, responses=serializers.ReleaseDetailSerializer)
    def post(self, request: Request, release: int) -> Response:
        """Takes a release back that is not deploying yet."""
        row = get_release(request, release)
        sent = _sent(serializers.Cancellation, request)
        return _shown(request, release_cancel(release=row, **sent, actor=signed_in(request)))


def _sent(serializer: type[Any], request: Request) -> dict[str, Any]:
    sent = serializer(data=request.data)
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)


def _shown(request: Request, release: Release) -> Response:
    row = again(rows.releases(), release)
    shown = serializers.ReleaseDetailSerializer(row, context={"earlier": earlier_decisions(row, request.user)})
    return Response(shown.data)

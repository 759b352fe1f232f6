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
from tenants.access.finding import again, get_app, get_environment, get_release
from tenants.releases.api.serializers import Cancellation, ReleaseCreate, ReleaseDetailSerializer, ReleaseSerializer
from tenants.releases.filters import AppReleaseFilter, ReleaseFilter
from tenants.releases.models.release import Release
from tenants.releases.services.releases import release_cancel, release_submit
from tenants.rest.base import signed_in
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentCreate
from tenants.reviews.selectors import earlier_decisions


class ReleaseListView(ListAPIView):
    """All releases that you may see, newest first."""

    access_actions = {"GET": "release.view"}
    serializer_class = ReleaseSerializer
    filterset_class = ReleaseFilter

    def get_queryset(self) -> QuerySet[Release]:
        return access.restrict(rows.releases(), self.request.user, "release.view")


class AppReleaseListView(IdempotentCreate, ListAPIView):
    access_actions = {"GET": "release.view", "POST": "release.submit"}
    serializer_class = ReleaseSerializer
    filterset_class = AppReleaseFilter

    def get_queryset(self) -> QuerySet[Release]:
        if getattr(self, "swagger_fake_view", False):
            return Release.objects.none()
        app = get_app(self.request.user, self.kwargs["app"])
        return access.restrict(rows.releases().filter(app=app), self.request.user, "release.view")

    @extend_schema(request=ReleaseCreate, responses={201: ReleaseSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Asks for a commit to run in an environment, with its settings and variables as they are now."""
        return super().post(request, **kwargs)

    def create(self, request: Request, **kwargs: Any) -> Release:
        get_app(request.user, kwargs["app"])
        sent = ReleaseCreate(data=request.data)
        sent.is_valid(raise_exception=True)
        name, ref, notes = (sent.validated_data[field] for field in ("environment", "ref", "notes"))
        validators.together(
            lambda: validators.environment_name(name),
            lambda: validators.ref(ref),
            lambda: validators.free_text(notes, field="notes"),
        )
        environment = get_environment(request.user, kwargs["app"], name)
        return release_submit(environment=environment, ref=ref, notes=notes, actor=signed_in(request))

    def represent(self, row: Release) -> Any:
        return ReleaseSerializer(again(rows.releases(), row)).data


class ReleaseView(APIView):
    access_actions = {"GET": "release.view"}

    @extend_schema(responses=ReleaseDetailSerializer)
    def get(self, request: Request, release: int) -> Response:
        return _shown(request, get_release(request.user, release))


class CancelView(APIView):
    access_actions = {"POST": "release.cancel"}

    @extend_schema(request=Cancellation, responses=ReleaseDetailSerializer)
    def post(self, request: Request, release: int) -> Response:
        """Takes a release back that is not deploying yet."""
        row = get_release(request.user, release)
        sent = _sent(Cancellation, request)
        return _shown(request, release_cancel(release=row, **sent, actor=signed_in(request)))


def _sent(serializer: type[Any], request: Request) -> dict[str, Any]:
    sent = serializer(data=request.data)
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)


def _shown(request: Request, release: Release) -> Response:
    row = again(rows.releases(), release)
    shown = ReleaseDetailSerializer(row, context={"earlier": earlier_decisions(row, request.user)})
    return Response(shown.data)

"""The decisions on a release."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.access.finding import get_release
from tenants.releases.api.serializers import ReleaseDetailSerializer
from tenants.releases.api.views import _sent, _shown
from tenants.rest.base import signed_in
from tenants.reviews.api.serializers import Approval, Rejection
from tenants.reviews.services.reviews import release_approve, release_reject


class ApproveView(APIView):
    access_actions = {"POST": "release.approve"}

    @extend_schema(request=Approval, responses=ReleaseDetailSerializer)
    def post(self, request: Request, release: int) -> Response:
        """Lets the release go live. Reviewers only, and none on a release of their own.

        The first part of the difference counts as read. What it does not show whole must have been shown to you by the
        other parts, by `diff/file/` up to its end or by `files/content/`, or stand in `acknowledged`.
        """
        row = get_release(request.user, release)
        sent = _sent(Approval, request)
        return _shown(request, release_approve(release=row, **sent, actor=signed_in(request)))


class RejectView(APIView):
    access_actions = {"POST": "release.reject"}

    @extend_schema(request=Rejection, responses=ReleaseDetailSerializer)
    def post(self, request: Request, release: int) -> Response:
        """Ends the release, and says why. Reviewers only, and none on a release of their own."""
        row = get_release(request.user, release)
        sent = _sent(Rejection, request)
        return _shown(request, release_reject(release=row, **sent, actor=signed_in(request)))

"""Names in quarantine: for operators; auditors read."""

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants import access
from tenants.access.finding import get_visible
from tenants.names.api.serializers import HeldNameRelease, HeldNameSerializer
from tenants.names.models.custom_domain import HeldName
from tenants.names.selectors.domains import held_names
from tenants.names.services.held_names import held_name_release
from tenants.rest.base import signed_in


class HeldNameListView(ListAPIView[HeldName]):
    """Names that were proven and are nobody's now: until then they are held for the organization that had them last."""

    access_actions = {"GET": "held_name.view"}
    serializer_class = HeldNameSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[HeldName]:
        access.require_scope(self.request.user, "held_name.view")
        if not access.may_ever(self.request.user, "held_name.view"):
            raise Http404
        return access.restrict(held_names(), self.request.user, "held_name.view")


class HeldNameReleaseView(APIView):
    access_actions = {"POST": "held_name.release"}

    @extend_schema(request=HeldNameRelease, responses={204: None})
    def post(self, request: Request, held_name: int) -> Response:
        """Ends the hold before its time: whoever proves control of the name has it from now on. The organization that
        had it reads the reason.
        """
        row = get_visible(held_names(), user=request.user, action="held_name.view", pk=held_name)
        sent = HeldNameRelease(data=request.data)
        sent.is_valid(raise_exception=True)
        held_name_release(held=row, **sent.validated_data, actor=signed_in(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

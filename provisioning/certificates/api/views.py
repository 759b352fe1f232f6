"""Certificates that the edge serves."""

from django.db.models import QuerySet
from django.http import Http404
from rest_framework.generics import ListAPIView

from provisioning.certificates.api.serializers import CertificateSerializer
from provisioning.certificates.models import Certificate
from tenants import access


class CertificateListView(ListAPIView[Certificate]):
    """The certificates of zones and of customers' hostnames, for operators."""

    access_actions = {"GET": "certificate.view"}
    serializer_class = CertificateSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[Certificate]:
        if getattr(self, "swagger_fake_view", False):
            return Certificate.objects.none()
        if not access.may_ever(self.request.user, "certificate.view"):
            raise Http404
        return access.restrict(Certificate.objects.all(), self.request.user, "certificate.view")

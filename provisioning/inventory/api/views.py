"""Hosts, for operators."""

from django.db.models import Count, Q, QuerySet
from django.http import Http404
from rest_framework.generics import ListAPIView

from provisioning.containers.choices import WorkloadState
from provisioning.inventory.api.serializers import HostSerializer
from provisioning.inventory.models.host import Host
from tenants import access


class HostListView(ListAPIView[Host]):
    """The inventory of machines, for operators."""

    access_actions = {"GET": "host.view"}
    serializer_class = HostSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[Host]:
        if getattr(self, "swagger_fake_view", False):
            return Host.objects.none()
        if not access.may_ever(self.request.user, "host.view"):
            raise Http404
        running = Q(workloads__state__in=[WorkloadState.STARTING, WorkloadState.SERVING])
        leased = Q(port_leases__free_at=None, port_leases__pk__isnull=False)
        hosts = Host.objects.annotate(
            workload_count=Count("workloads", filter=running, distinct=True),
            port_count=Count("port_leases", filter=leased, distinct=True),
        )
        return access.restrict(hosts, self.request.user, "host.view")

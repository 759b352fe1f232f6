"""Which host an environment runs on."""

from django.db.models import Count, Q

from provisioning.containers.choices import WorkloadState
from provisioning.exceptions import OperatorError
from provisioning.inventory.models.host import Host
from tenants.apps.models.environment import Environment


def choose_host(environment: Environment) -> Host:
    """The host that already runs the environment, else the enabled runner with the fewest workloads.

    Raises `OperatorError` where there is none.
    """
    running = Q(workloads__state__in=[WorkloadState.STARTING, WorkloadState.SERVING])
    hosts = Host.objects.filter(is_enabled=True).annotate(
        load=Count("workloads", filter=running),
        own=Count("workloads", filter=running & Q(workloads__environment=environment)),
    )
    for host in hosts.order_by("-own", "load", "pk"):
        if "runner" in host.roles:
            return host
    raise OperatorError("no enabled host has the role runner: an operator must register or enable one")

from provisioning.certificates.models import Certificate
from provisioning.containers.models import Workload, WorkloadRepair
from provisioning.dns.models import DnsAccount, DnsRecord, HostedZone
from provisioning.inventory.models.host import Host
from provisioning.inventory.models.leases import PortLease, SubnetLease, UidLease
from provisioning.operations.models import Deployment, Operation, Step
from provisioning.operations.rounds import Round
from provisioning.repositories.models.push import Push
from provisioning.repositories.models.repository import ForgeAccount, Repository, WebhookDelivery

__all__ = [
    "Certificate",
    "Deployment",
    "DnsAccount",
    "DnsRecord",
    "ForgeAccount",
    "Host",
    "HostedZone",
    "Operation",
    "PortLease",
    "Push",
    "Repository",
    "Round",
    "Step",
    "SubnetLease",
    "UidLease",
    "WebhookDelivery",
    "Workload",
    "WorkloadRepair",
]

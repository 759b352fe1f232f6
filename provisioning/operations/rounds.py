"""Work that comes round again: one row for each, with a lease. No round leaves a row behind, however many there are."""

from contextlib import AbstractContextManager

from django.db import models
from django.db.models import Q

from provisioning.dns.models import HostedZone
from provisioning.inventory.models.host import Host
from provisioning.operations.choices import RoundKind
from provisioning.operations.lease import Lease, Leased, holding


class Round(Leased):
    """A host, a zone, or something that there is once: one worker at a time looks after it.

    An `Operation` has an end and stays as a record. This has none: its fence is the number of the round.
    """

    kind = models.CharField(max_length=30, choices=RoundKind)
    host = models.ForeignKey(Host, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    hosted_zone = models.ForeignKey(HostedZone, null=True, blank=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind"], condition=Q(host=None, hosted_zone=None), name="round_once_without_subject"
            ),
            models.UniqueConstraint(fields=["kind", "host"], name="round_once_per_host"),
            models.UniqueConstraint(fields=["kind", "hosted_zone"], name="round_once_per_hosted_zone"),
            models.CheckConstraint(
                condition=Q(kind=RoundKind.RECONCILE_HOST, host__isnull=False, hosted_zone=None)
                | Q(kind=RoundKind.COMPARE_ZONE, host=None, hosted_zone__isnull=False)
                | Q(kind__in=[RoundKind.RECONCILE_EDGE, RoundKind.RENEW_CERTIFICATES], host=None, hosted_zone=None),
                name="round_has_its_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.host or self.hosted_zone or ''}".rstrip()


def round_held(
    kind: RoundKind, *, host: Host | None = None, hosted_zone: HostedZone | None = None
) -> AbstractContextManager[Lease[Round] | None]:
    """The round for the caller alone; None if another worker is at it."""
    row, _is_new = Round.objects.get_or_create(kind=kind, host=host, hosted_zone=hosted_zone)
    return holding(Round.objects.select_related("host", "hosted_zone__zone").filter(pk=row.pk))

from django.db import models
from django.db.models import Q

from provisioning.certificates.choices import CertificateState
from tenants.policies.resources import Attribute, Kind, ResourceType, register


class Certificate(models.Model):
    """What the edge serves, or wants to, for a zone or for one hostname of a customer's.

    `names` to `not_after` are of the certificate that is served; empty where none is. `error` says why what a source
    has now is not: the one that is served stays meanwhile. The key is nowhere but in files of mode 0600.
    """

    name = models.CharField(max_length=253, unique=True, help_text="A zone, or a hostname in none.")
    names = models.JSONField(default=list, help_text="The hosts that it names.")
    source = models.CharField(max_length=40, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the whole chain.")
    file = models.CharField(max_length=255, blank=True, help_text="In the edge's home.")
    not_before = models.DateTimeField(null=True, blank=True)
    not_after = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=CertificateState, default=CertificateState.MISSING)
    error = models.TextField(blank=True, help_text="Why what a source has now is not served.")
    warned_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The last warning: so many days before its end, 0 when it had come."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=CertificateState.values), name="certificate_state_known"),
        ]

    def __str__(self) -> str:
        return self.name


CERTIFICATE = register(
    ResourceType(
        name="certificate",
        model=Certificate,
        actions={"certificate.view": "read"},
        attributes=(
            Attribute("name", Kind.TEXT),
            Attribute("source", Kind.TEXT),
            Attribute("state", Kind.TEXT, choices=tuple(CertificateState.values)),
            Attribute("not_after", Kind.TIME, is_nullable=True),
        ),
        reference=lambda row: row.name,
        lookup=lambda text: {"name": text},
    )
)

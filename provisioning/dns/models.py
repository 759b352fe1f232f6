"""Accounts at DNS providers, what is hosted with them, and the records that Berth keeps there."""

from django.db import models
from django.db.models import F, Q

from provisioning.dns.choices import DnsRecordState, DriftPolicy
from provisioning.operations.lease import Leased
from tenants.fields import EncryptedTextField
from tenants.policies.resources import Attribute, Kind, ResourceType, register


class DnsAccount(models.Model):
    """One account at one provider, or one server that takes updates. It is used for the zones of `zones` alone.

    All workers draw their calls from one bucket: `bucket_tokens` were in it at `bucket_at`.
    """

    name = models.CharField(max_length=63, unique=True)
    provider = models.CharField(max_length=40, help_text="A key of `provisioning.dns.providers.PROVIDERS`.")
    settings = models.JSONField(default=dict, help_text="What is no secret of the provider's settings.")
    secrets = EncryptedTextField(default="{}", help_text="The others, as JSON.")
    zones = models.JSONField(default=list, help_text="The names of the zones that the account may be used for.")
    is_enabled = models.BooleanField(default=True)
    blocked_until = models.DateTimeField(null=True, blank=True, help_text="The vendor asked to wait until then.")
    bucket_tokens = models.FloatField(default=0)
    bucket_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class HostedZone(Leased):
    """A zone that an account holds: where its names point, and who of all workers writes to it now.

    The worker that holds its lease writes to it. `owner` is what the ownership records of this zone name: it never
    changes, and no other installation has it.
    """

    zone = models.OneToOneField("tenants.Zone", on_delete=models.PROTECT, related_name="hosting")
    account = models.ForeignKey(DnsAccount, on_delete=models.PROTECT, related_name="hosted_zones")
    owner = models.CharField(max_length=64, unique=True)
    targets = models.JSONField(
        default=list, help_text="Addresses, or one name; empty: the setting BERTH_EDGE_PUBLIC_ADDRESSES."
    )
    ttl_s = models.PositiveIntegerField(default=300)
    low_ttl_s = models.PositiveIntegerField(default=60, help_text="Before a planned move, and shortly after it.")
    next_targets = models.JSONField(default=list, blank=True)
    move_at = models.DateTimeField(null=True, blank=True)
    lowered_at = models.DateTimeField(null=True, blank=True, help_text="When all records had the low TTL.")
    remembered_ttl_s = models.PositiveIntegerField(
        default=0, help_text="How long caches may remember a record that was there when the move was planned."
    )
    override = models.TextField(blank=True, help_text="Why the planned move may change so many records.")
    drift_policy = models.CharField(max_length=10, choices=DriftPolicy, default=DriftPolicy.REPAIR)
    live_checks = models.JSONField(
        default=list, help_text='Of "authoritative", "resolvers", "edge"; empty: authoritative and edge.'
    )
    nameservers = models.JSONField(
        default=list, help_text="address:port of name servers that no delegation leads to; empty: the delegation."
    )
    findings = models.JSONField(default=list, help_text="What the last comparison found, each with its digest.")
    last_sync_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(drift_policy__in=DriftPolicy.values), name="drift_policy_known"),
            models.CheckConstraint(
                condition=Q(low_ttl_s__gte=1, low_ttl_s__lte=F("ttl_s"), ttl_s__lte=604_800),
                name="hosted_zone_ttl_in_range",
            ),
        ]

    def __str__(self) -> str:
        return str(self.zone)


class DnsRecord(models.Model):
    """One record set that Berth keeps, or wants to. `generation` grows with each change of what is wanted.

    A row that is `removing` goes when its record is gone.
    """

    hosted_zone = models.ForeignKey(HostedZone, on_delete=models.PROTECT, related_name="records")
    name = models.CharField(max_length=253)
    type = models.CharField(max_length=5)
    values = models.JSONField(default=list)
    ttl_s = models.PositiveIntegerField()
    given_ttl_s = models.PositiveIntegerField(
        null=True, blank=True, help_text="What the vendor makes of it, where it takes no such TTL."
    )
    app = models.ForeignKey(
        "tenants.PluginApp", null=True, blank=True, on_delete=models.PROTECT, related_name="dns_records"
    )
    environment = models.ForeignKey(
        "tenants.Environment", null=True, blank=True, on_delete=models.PROTECT, related_name="dns_records"
    )
    state = models.CharField(max_length=10, choices=DnsRecordState, default=DnsRecordState.PENDING)
    generation = models.PositiveBigIntegerField(default=0)
    error = models.TextField(blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["hosted_zone", "name", "type"], name="record_once_per_zone_name_and_type"),
            models.CheckConstraint(condition=Q(state__in=DnsRecordState.values), name="dns_record_state_known"),
        ]
        indexes = [models.Index(fields=["hosted_zone", "state"], name="record_by_zone_and_state")]

    def __str__(self) -> str:
        return f"{self.name} {self.type}"


DNS_ACCOUNT = register(
    ResourceType(
        name="dns_account",
        model=DnsAccount,
        actions={"dns_account.view": "read", "dns_account.create": "operate", "dns_account.change": "operate"},
        attributes=(
            Attribute("name", Kind.TEXT),
            Attribute("provider", Kind.TEXT),
            Attribute("is_enabled", Kind.FLAG),
        ),
        reference=lambda row: row.name,
        lookup=lambda text: {"name": text},
        creates={"dns_account.create": ("", lambda _none: DnsAccount())},
    )
)

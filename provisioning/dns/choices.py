"""States of DNS records, and the two ways to treat drift."""

from django.db import models


class DriftPolicy(models.TextChoices):
    REPAIR = "repair"
    REPORT = "report"


class DnsRecordState(models.TextChoices):
    PENDING = "pending"
    APPLIED = "applied"
    REMOVING = "removing"
    CONFLICT = "conflict"

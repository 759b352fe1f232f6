"""The two effects of a policy."""

from django.db import models


class PolicyEffect(models.TextChoices):
    ALLOW = "allow"
    DENY = "deny"

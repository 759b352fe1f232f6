"""The limits that an organization or a person can have."""

from django.db import models


class QuotaName(models.TextChoices):
    """The limits of an organization, and at the end those of a person."""

    APPS = "apps"
    MEMORY_MIB = "memory_mib"
    RELEASES_A_DAY = "releases_a_day"
    DOMAINS = "domains"
    VARIABLES = "variables"
    MEMBERS = "members"
    SERVICE_ACCOUNTS = "service_accounts"
    TOKENS = "tokens"
    ORGANIZATIONS = "organizations"
    PERSONAL_TOKENS = "personal_tokens"

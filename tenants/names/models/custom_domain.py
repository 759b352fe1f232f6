"""Domains of customers' own: who claims a name, who has proven it, and who had it until not long ago."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q

from tenants.apps.choices import AppState, EnvironmentName
from tenants.names.choices import OPEN_DOMAIN_STATES, SERVED_DOMAIN_STATES, DomainState
from tenants.policies.resources import Attribute, Kind, ResourceType, register

CHALLENGE_LABEL = "_berth-challenge"
CHALLENGE_PREFIX = "berth-verification="


def new_challenge() -> str:
    """Of each attempt its own, so that an old proof proves nothing again. Not a secret: the world reads it."""
    return secrets.token_hex(16)


class RegistrableDomain(models.Model):
    """What somebody registers (`example.co.uk`), with all names below it.

    Proofs of two such names happen one after the other: each raises `proofs`, and whoever comes second waits, and then
    sees what the first has proven. A constraint can hold one name; it can't hold a name against those above and below.
    """

    name = models.CharField(max_length=253, unique=True)
    proofs = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CustomDomain(models.Model):
    """A hostname of a customer's own, claimed for one environment; served once control of it is proven.

    `hostname` is in A-labels, in lower case, without a trailing dot. Several organizations may claim a name: only one
    can prove it. `detail` says what is wrong and whose move it is. `observations` has each server's answer to the last
    check. Nothing but the services changes a row; a new attempt is a new row with another challenge.
    """

    environment = models.ForeignKey("Environment", on_delete=models.CASCADE, related_name="custom_domains")
    hostname = models.CharField(max_length=253)
    registrable = models.ForeignKey(RegistrableDomain, on_delete=models.PROTECT, related_name="domains")
    state = models.CharField(max_length=20, choices=DomainState, default=DomainState.PENDING)
    challenge = models.CharField(max_length=64, default=new_challenge)
    is_mixed_script = models.BooleanField(
        default=False, help_text="It mixes scripts, or could be read as another name: look twice."
    )
    detail = models.TextField(blank=True, help_text="What is wrong, and whose move it is.")
    observations = models.JSONField(default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    proven_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    next_check_at = models.DateTimeField(null=True, blank=True, help_text="None: it is not checked any more.")
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when servers say that the proof is gone or that it points elsewhere."
    )
    unheard_since = models.DateTimeField(null=True, blank=True, help_text="Since when nobody who would know answers.")
    check_requested_at = models.DateTimeField(null=True, blank=True)
    waiting_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when it waits for an operator to have outside names looked up."
    )
    waited = models.DurationField(
        default=timedelta, help_text="How long it has waited so before: that time counts for no limit."
    )
    lease_until = models.DateTimeField(null=True, blank=True, help_text="Until then one worker checks it.")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["hostname"], condition=Q(state__in=SERVED_DOMAIN_STATES), name="custom_domain_served_once"
            ),
            models.UniqueConstraint(
                fields=["environment", "hostname"],
                condition=Q(state__in=OPEN_DOMAIN_STATES),
                name="custom_domain_claimed_once_per_environment",
            ),
            models.CheckConstraint(condition=Q(state__in=DomainState.values), name="custom_domain_state_known"),
            models.CheckConstraint(
                condition=~Q(state__in=SERVED_DOMAIN_STATES) | Q(proven_at__isnull=False),
                name="custom_domain_served_is_proven",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_check_at"], condition=Q(next_check_at__isnull=False), name="custom_domain_by_next_check"
            ),
        ]

    def __str__(self) -> str:
        return self.hostname

    @property
    def is_served(self) -> bool:
        return self.state in SERVED_DOMAIN_STATES

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_DOMAIN_STATES

    @property
    def challenge_name(self) -> str:
        return f"{CHALLENGE_LABEL}.{self.hostname}"

    @property
    def challenge_value(self) -> str:
        return f"{CHALLENGE_PREFIX}{self.challenge}"


class HeldName(models.Model):
    """A proven name after its end: nobody but its last organization may prove it, or one above or below it, until then.

    What links to it and the cookies that visitors keep outlive an app; whoever took the name over would get them. The
    platform's own hostnames need no such row: the number in them is never given to another app.
    """

    hostname = models.CharField(max_length=253, unique=True)
    registrable = models.ForeignKey(RegistrableDomain, on_delete=models.PROTECT, related_name="held_names")
    organization = models.ForeignKey("Organization", on_delete=models.PROTECT, related_name="held_names")
    held_until = models.DateTimeField()
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ["hostname"]

    def __str__(self) -> str:
        return f"{self.hostname} until {self.held_until:%Y-%m-%d}"


CUSTOM_DOMAIN = register(
    ResourceType(
        name="custom_domain",
        model=CustomDomain,
        actions={
            "domain.view": "read",
            "domain.create": "deploy",
            "domain.check": "deploy",
            "domain.remove": "deploy",
        },
        attributes=(
            Attribute("hostname", Kind.TEXT),
            Attribute("registrable", Kind.TEXT, "registrable__name"),
            Attribute("state", Kind.TEXT, choices=tuple(DomainState.values)),
            Attribute("is_mixed_script", Kind.FLAG),
            Attribute("environment", Kind.TEXT, "environment__name", choices=tuple(EnvironmentName.values)),
            Attribute("app", Kind.NUMBER, "environment__app__number"),
            Attribute("app_state", Kind.TEXT, "environment__app__state", choices=tuple(AppState.values)),
            Attribute("organization", Kind.ID, "environment__app__organization"),
            Attribute("organization_slug", Kind.TEXT, "environment__app__organization__slug"),
            Attribute("created_by", Kind.ID),
            Attribute("created_at", Kind.TIME),
            Attribute("proven_at", Kind.TIME, is_nullable=True),
        ),
        organization="environment__app__organization",
        app="environment__app",
        app_grants={
            "domain.view": "view_pluginapp",
            "domain.create": "change_pluginapp",
            "domain.check": "change_pluginapp",
            "domain.remove": "change_pluginapp",
        },
        creates={"domain.create": ("environment", lambda environment: CustomDomain(environment=environment))},
    )
)

HELD_NAME = register(
    ResourceType(
        name="held_name",
        model=HeldName,
        actions={"held_name.view": "read", "held_name.release": "operate"},
        attributes=(
            Attribute("hostname", Kind.TEXT),
            Attribute("registrable", Kind.TEXT, "registrable__name"),
            Attribute("organization", Kind.ID),
            Attribute("organization_slug", Kind.TEXT, "organization__slug"),
            Attribute("held_until", Kind.TIME),
        ),
        organization="organization",
        reference=lambda row: row.hostname,
        lookup=lambda text: {"hostname": text},
    )
)

from django.conf import settings
from django.db import models

from tenants.policies.choices import PolicyEffect
from tenants.policies.conditions import check_policy
from tenants.policies.resources import Attribute, Kind, ResourceType, register


class AccessPolicy(models.Model):
    """One attribute-based rule (after NIST SP 800-162): its effect on its actions where all its conditions hold.

    A condition is `{"match_all": true}`, or an object of `attribute__lookup: value` of which all must hold, or a list
    of such objects of which one must. A policy that names what is not declared is refused when it is saved.
    """

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(
        help_text="What it is for. Where a deny decides, it is the reason that people read: say what they can do."
    )
    effect = models.CharField(max_length=5, choices=PolicyEffect)
    actions = models.JSONField(default=list)
    resource_type = models.CharField(max_length=40)
    subject = models.JSONField(default=dict)
    resource = models.JSONField(default=dict)
    context = models.JSONField(default=dict)
    code = models.CharField(
        max_length=40, blank=True, help_text="What clients get as `code` where this denies; else permission_denied."
    )
    is_enabled = models.BooleanField(default=True)
    is_built_in = models.BooleanField(default=False, editable=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "access policies"
        constraints = [
            models.CheckConstraint(condition=models.Q(effect__in=PolicyEffect.values), name="policy_effect_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        # No rule of the business: a policy that can't be evaluated must not exist, whoever writes it.
        self.clean()
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def clean(self) -> None:
        check_policy(self)


class AccessPolicyVersion(models.Model):
    """A policy as it was from one change to the next."""

    policy = models.ForeignKey(AccessPolicy, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    content = models.JSONField()
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    changed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["policy", "version"], name="policy_version_once")]

    def __str__(self) -> str:
        return f"{self.policy} version {self.version}"


class AccessStamp(models.Model):
    """Changes with everything that decisions rest on, so that each process sees at once that it must look again.

    `name` is "policies", or "people" for memberships, grants, tokens and roles. `stamp` is random: a number would say
    the same twice after a rollback.
    """

    name = models.CharField(max_length=20, unique=True)
    stamp = models.UUIDField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} {self.stamp}"


class Freeze(models.Model):
    """A time in which nothing goes live: policies may ask for it as `freeze` in their context."""

    reason = models.TextField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="freeze_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"freeze from {self.starts_at:%Y-%m-%d %H:%M} to {self.ends_at:%Y-%m-%d %H:%M}"


POLICY = register(
    ResourceType(
        name="policy",
        model=AccessPolicy,
        actions={
            "policy.view": "read",
            "policy.create": "operate",
            "policy.change": "operate",
            "policy.simulate": "operate",
        },
        attributes=(
            Attribute("name", Kind.TEXT),
            Attribute("effect", Kind.TEXT, choices=tuple(PolicyEffect.values)),
            Attribute("resource_type", Kind.TEXT),
            Attribute("is_enabled", Kind.FLAG),
            Attribute("is_built_in", Kind.FLAG),
        ),
        reference=lambda row: row.name,
        lookup=lambda text: {"name": text},
        creates={"policy.create": ("", lambda _none: AccessPolicy())},
    )
)
FREEZE = register(
    ResourceType(
        name="freeze",
        model=Freeze,
        actions={"freeze.view": "read", "freeze.create": "operate", "freeze.end": "operate"},
        attributes=(Attribute("created_by", Kind.ID),),
        creates={"freeze.create": ("", lambda _none: Freeze())},
    )
)

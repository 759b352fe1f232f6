from typing import Any

from django.db import models

from tenants.apps.models.environment import ENVIRONMENT
from tenants.policies.conditions import parse
from tenants.policies.resources import Attribute, Kind, ResourceType, register


def everything() -> dict[str, Any]:
    return {"match_all": True}


class Zone(models.Model):
    """A domain in which apps get their hostnames. The name is in lower case, in A-labels, without a dot at its end.

    A new environment's zone is the enabled one with the lowest `priority` whose condition `applies_to` holds for it, in
    the language of policies (see `tenants.policies.conditions`) about resources of type `environment`.
    """

    name = models.CharField(max_length=200, unique=True)
    applies_to = models.JSONField(default=everything)
    priority = models.PositiveIntegerField(default=100, help_text="The lowest number is asked first.")
    is_wildcard = models.BooleanField(default=False, help_text="One record for all names, and none for each app.")
    is_enabled = models.BooleanField(default=True, help_text="Whether new apps get names in it.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["priority", "pk"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        # As for policies: a condition that can't be evaluated must not exist, whoever writes it.
        parse(self.applies_to, "applies_to", ENVIRONMENT.attributes)
        super().save(*args, **kwargs)  # type: ignore[arg-type]


ZONE = register(
    ResourceType(
        name="zone",
        model=Zone,
        actions={
            "zone.view": "read",
            "zone.create": "operate",
            "zone.change": "operate",
            "dns.plan": "operate",
            "dns.apply": "operate",
        },
        attributes=(
            Attribute("name", Kind.TEXT),
            Attribute("priority", Kind.NUMBER),
            Attribute("is_wildcard", Kind.FLAG),
            Attribute("is_enabled", Kind.FLAG),
        ),
        reference=lambda row: row.name,
        lookup=lambda text: {"name": text},
        creates={"zone.create": ("", lambda _none: Zone())},
    )
)

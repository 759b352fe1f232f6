"""Policies such as operators add to the built-in ones: several for each action that is measured."""

from typing import Any

from tenants import access
from tenants.models import AccessPolicy

ALL = {"match_all": True}
STAFF = {"platform_roles__overlaps": ["reviewer", "operator", "auditor"]}
CONTRACTORS = "contractors"
EMBARGOED = ["org00090", "org00091"]
INSIDE = ["127.0.0.0/8", "10.0.0.0/8", "::1/128"]
# name: effect, resource type, actions, subject, resource, context
_POLICIES: dict[str, tuple[str, str, list[str], Any, Any, Any]] = {
    "staff-from-inside-apps": (
        "deny",
        "app",
        ["app.view", "app.change"],
        STAFF,
        ALL,
        {"address__not_in_network": INSIDE},
    ),
    "staff-from-inside-releases": (
        "deny",
        "release",
        ["release.view"],
        STAFF,
        ALL,
        {"address__not_in_network": INSIDE},
    ),
    "suspended-apps": ("deny", "app", ["app.view", "app.change"], {"groups__contains": "suspended"}, ALL, ALL),
    "suspended-releases": ("deny", "release", ["release.view"], {"groups__contains": "suspended"}, ALL, ALL),
    "support-failed-apps": ("allow", "app", ["app.view"], {"groups__contains": "support"}, {"state": "failed"}, ALL),
    "own-apps": ("allow", "app", ["app.view"], {"is_service_account": False}, {"created_by": "$subject.id"}, ALL),
    "own-releases": ("allow", "release", ["release.view"], ALL, {"submitted_by": "$subject.id"}, ALL),
    "embargoed-apps": (
        "deny",
        "app",
        ["app.view"],
        {"groups__contains": CONTRACTORS},
        {"organization_slug__in": EMBARGOED},
        ALL,
    ),
    "embargoed-releases": (
        "deny",
        "release",
        ["release.view"],
        {"groups__contains": CONTRACTORS},
        {"organization_slug__in": EMBARGOED},
        ALL,
    ),
    "contractors-in-office-hours": (
        "deny",
        "release",
        ["release.view", "release.submit"],
        {"groups__contains": CONTRACTORS},
        ALL,
        {
            "time__outside": {
                "zone": "Europe/Berlin",
                "weekdays": ["mon", "tue", "wed", "thu", "fri"],
                "from": "08:00",
                "to": "18:00",
            }
        },
    ),
    "second-factor-for-production": (
        "deny",
        "release",
        ["release.approve"],
        {"has_second_factor": False},
        {"environment": "production"},
        ALL,
    ),
    "retired-apps-stay": (
        "deny",
        "app",
        ["app.change", "app.retire"],
        ALL,
        {"state__in": ["retiring", "retired"]},
        ALL,
    ),
}


def add() -> None:
    for name, (effect, resource_type, actions, subject, resource, context) in _POLICIES.items():
        AccessPolicy.objects.create(
            name=name,
            description=f"{name}: ask an operator",
            effect=effect,
            actions=actions,
            resource_type=resource_type,
            subject=subject,
            resource=resource,
            context=context,
        )
    access.policies_changed()

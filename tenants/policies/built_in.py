"""What a room declares in its `policies.py`, and how all the declarations are found."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps import apps

from tenants.policies.resources import RESOURCE_TYPES

Condition = Mapping[str, Any]

ALWAYS: Condition = {"match_all": True}
MEMBER: Condition = {"role__in": ["owner", "maintainer", "developer"]}
KEEPER: Condition = {"role__in": ["owner", "maintainer"]}
OWNER: Condition = {"role": "owner"}
STAFF: Condition = {"platform_roles__overlaps": ["reviewer", "operator", "auditor"]}
OVERSEER: Condition = {"platform_roles__overlaps": ["operator", "auditor"]}
OPERATOR: Condition = {"platform_roles__contains": "operator"}
REVIEWER: Condition = {"platform_roles__contains": "reviewer"}
AUDITOR: Condition = {"platform_roles__contains": "auditor"}
PERSON: Condition = {"is_service_account": False}


@dataclass(frozen=True, kw_only=True)
class BuiltInPolicy:
    """The content of an `AccessPolicy` that the code brings along. Operators choose whether it is enabled."""

    name: str
    resource_type: str
    actions: list[str]
    description: str
    effect: str = "allow"
    subject: Condition = field(default_factory=lambda: ALWAYS)
    resource: Condition = field(default_factory=lambda: ALWAYS)
    context: Condition = field(default_factory=lambda: ALWAYS)
    code: str = ""

    def content(self) -> dict[str, Any]:
        """Its fields without the name."""
        content = asdict(self)
        del content["name"]
        return content


def declared() -> list[BuiltInPolicy]:
    """The `POLICIES` of every room, by name, in each app that has a resource type. Raises `ValueError` for a name
    that is declared twice."""
    found: dict[str, BuiltInPolicy] = {}
    for label in sorted({kind.model._meta.app_label for kind in RESOURCE_TYPES.values()}):
        config = apps.get_app_config(label)
        for path in sorted(Path(config.path).glob("*/policies.py")):
            for policy in import_module(f"{config.name}.{path.parent.name}.policies").POLICIES:
                if policy.name in found:
                    raise ValueError(f"{path}: another room declares {policy.name}: choose another name")
                found[policy.name] = policy
    return [found[name] for name in sorted(found)]

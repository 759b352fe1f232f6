"""docs/reference/policies.md, from the policies that an installation comes with."""

import json
from collections.abc import Iterable
from typing import Any

from paas.reference.markdown import table
from tenants.models import AccessPolicy

HEAD = """\
# Built-in policies

Every new installation has these policies. [Access](../operate/access.md) says how they decide. An operator can
disable one, and adds others beside it.

This page is written by `manage.py reference --write`; a test holds it equal.

"""
_ALWAYS = {"match_all": True}


def render() -> str:
    return render_rows(AccessPolicy.objects.filter(is_built_in=True).order_by("name"))


def render_rows(policies: Iterable[AccessPolicy]) -> str:
    rows = [
        (f"`{policy.name}`", policy.effect, ", ".join(policy.actions), _conditions(policy), policy.description)
        for policy in policies
    ]
    return HEAD + table(("policy", "effect", "actions", "where", "what it is for"), rows)


def _conditions(policy: AccessPolicy) -> str:
    parts: dict[str, Any] = {"subject": policy.subject, "resource": policy.resource, "context": policy.context}
    said = [
        f"{name} `{json.dumps(condition, sort_keys=True)}`" for name, condition in parts.items() if condition != _ALWAYS
    ]
    return "; ".join(said) or "always"

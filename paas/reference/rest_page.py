"""docs/reference/rest.md, from the OpenAPI document and the policies: each call, what it does, who may."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator

from paas.reference.markdown import table
from tenants.models import AccessPolicy
from tenants.policies.choices import PolicyEffect
from tenants.rest.permissions import declared_by

HEAD = """\
# REST

All calls are below `/api/v1`. A call takes a token (`Authorization: Bearer ...`, from `POST /tokens/`) or the portal's
session. The installation has the complete document at `/api/v1/schema/` (OpenAPI 3) and a page to try calls at
`/api/v1/docs/`: parameters, bodies, answers and refusals of each call.

"Who may" names the action that policies decide on, and the people to whom the
[built-in policies](policies.md) allow it. A deny, a token's scope or an operator's own policy can take it away. A row
that somebody may not see does not exist for them: 404, not 403.

- Lists come in pages: `page_size` (100 at most), and `next` with the address of the next page.
- A `POST` that makes a row takes an `Idempotency-Key`: the same key and body answer with the same row.
- Errors are `application/problem+json` (RFC 9457) with `code`, `detail`, `errors` by field and `request_id`.
- [Limits](limits.md) says how large and how many things may be, [Errors](errors.md) which errors work ends with.

This page is written by `manage.py reference --write`; a test holds it equal.
"""
METHODS = ("get", "post", "put", "patch", "delete")
# The calls whose views say nothing of themselves.
SAID = {
    "apps_environments_logs_retrieve": "Log lines of the environment's containers; with `follow`, a stream of events.",
    "apps_environments_retrieve": "One environment of an app: settings, names of variables, hostnames, live release.",
    "apps_environments_variables_destroy": "Removes the variable from the next release.",
    "apps_list": "The apps that you may see.",
    "apps_partial_update": "Renames the app.",
    "apps_releases_list": "The releases of an app, newest first.",
    "apps_retrieve": "One app, with its repository and environments.",
    "deployments_retrieve": "One deployment with its steps, its error and whose move it is.",
    "dns_accounts_retrieve": "One account at a DNS provider. No secret is shown.",
    "me": "Your account, your roles and your organizations.",
    "organizations_invitations_list": "The invitations of the organization that nobody has answered.",
    "organizations_list": "The organizations that you may see.",
    "organizations_retrieve": "One organization, with its members.",
    "organizations_service_accounts_list": "The service accounts of the organization.",
    "policies_retrieve": "One policy.",
    "releases_retrieve": "One release: commit, digest, state, checks, reviews.",
    "second_factor": "Whether you have a second factor, and how many recovery codes are left.",
    "users_retrieve": "One account.",
    "zones_retrieve": "One zone, with its hosting.",
}
_ROLES = {"owner": "owners", "maintainer": "maintainers", "developer": "developers"}


def render() -> str:
    allowed = _allowed(AccessPolicy.objects.filter(is_built_in=True, effect=PolicyEffect.ALLOW).order_by("name"))
    views = {(path, method): callback.cls for path, _, method, callback in EndpointEnumerator().get_api_endpoints()}
    document = SchemaGenerator().get_schema(request=None, public=True)
    rooms: dict[str, list[tuple[str, str, str, str]]] = defaultdict(list)
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                who = _who(declared_by(views[path, method.upper()], method.upper()), allowed)
                rooms[operation["tags"][0]].append((method.upper(), f"`{_short(path)}`", said_of(operation), who))
    parts = [HEAD]
    for tag in sorted(rooms):
        title = tag.replace("-", " ").capitalize()
        parts.append(f"\n## {title}\n\n{table(('method', 'endpoint', 'what it does', 'who may'), rooms[tag])}")
    return "".join(parts)


def said_of(operation: dict[str, Any]) -> str:
    """The first paragraph of the call's description; empty if neither the view nor this page has one."""
    return SAID.get(operation["operationId"]) or operation.get("description", "").split("\n\n")[0]


def _short(path: str) -> str:
    return path.removeprefix("/api/v1")


def _who(declared: Any, allowed: dict[str, list[str]]) -> str:
    if isinstance(declared, str):
        people = allowed.get(declared) or ["nobody"]
        return f"`{declared}`: {'; '.join(people)}"
    return str(declared.reason)


def _allowed(policies: Iterable[AccessPolicy]) -> dict[str, list[str]]:
    """By action, the people to whom the policies allow it, each once."""
    found: dict[str, list[str]] = defaultdict(list)
    for policy in policies:
        people = _people(policy)
        for action in policy.actions:
            if people not in found[action]:
                found[action].append(people)
    return found


def _people(policy: AccessPolicy) -> str:
    subject, resource = dict(policy.subject), dict(policy.resource)
    roles = subject.get("role__in") or ([subject["role"]] if "role" in subject else [])
    staff = subject.get("platform_roles__overlaps") or [subject.get("platform_roles__contains")]
    named = [_ROLES[role] for role in roles] + [f"{role}s" for role in staff if role]
    if not named and "$subject.id" in resource.values():
        return "oneself"
    extra = "" if resource == {"match_all": True} else f" (if {_condition(resource)})"
    return (", ".join(named) or "everybody") + extra


def _condition(resource: dict[str, Any]) -> str:
    return ", ".join(f"{re.sub('__.*', '', name)}" for name in resource)

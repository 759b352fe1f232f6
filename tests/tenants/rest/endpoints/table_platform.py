"""Policies, the trail, deployments, hosts, logs, and what is about the platform itself."""

from tests.tenants.rest.endpoints.calls import LIST, PUBLIC, READ, Call

_EVERYTHING = {"match_all": True}
_POLICY = "policies/<int:policy>/"
_ENVIRONMENT = "apps/<str:app>/environments/<str:env>/"
_ZONE = "zones/<str:zone>/"
_ACCOUNT = "dns/accounts/<str:account>/"
_DNS_ACCOUNT = {"account": "dns_account"}
OVERSEE = (401, *[404] * 5, 200, 200)
READ_LOGS = (401, 404, 200, 200, 200, 403, 200, 403)

CALLS = [
    Call("GET", "policies/", OVERSEE, needs=("policy",), outside=404),
    Call(
        "POST",
        "policies/",
        (401, *[404] * 5, 201, 403),
        {
            "name": "no-acme-retirement",
            "description": "Nobody retires apps.",
            "effect": "deny",
            "actions": ["app.retire"],
            "resource_type": "app",
            "subject": _EVERYTHING,
            "resource": _EVERYTHING,
            "context": _EVERYTHING,
        },
        event="policy.created",
    ),
    Call("GET", _POLICY, OVERSEE),
    Call(
        "PATCH",
        _POLICY,
        (401, *[404] * 5, 200, 403),
        {"version": 1, "is_enabled": True},
        event="policy.changed",
    ),
    Call("GET", f"{_POLICY}versions/", OVERSEE, outside=404),
    Call("POST", f"{_POLICY}simulate/", OVERSEE, {"last": 10}),
    Call("GET", "freezes/", LIST, needs=("freeze",)),
    Call(
        "POST",
        "freezes/",
        (401, *[403] * 5, 201, 403),
        {"reason": "an incident", "ends_at": "{tomorrow}"},
        event="freeze.created",
    ),
    Call("POST", "freezes/<int:freeze>/end/", (401, *[403] * 5, 200, 403), event="freeze.ended"),
    Call("GET", "access/explain/", OVERSEE, query="action=app.change&resource=app:{app}&user={leaver}"),
    Call(
        "GET",
        "access/who-can/",
        (401, 404, 403, 403, 200, 403, 200, 200),
        query="action=app.change&resource=app:{app}",
        outside=403,
    ),
    Call("GET", "audit/", LIST, needs=("app",)),
    Call("GET", "audit/export/", LIST, needs=("app",)),
    Call("GET", "apps/<str:app>/deployments/", READ, needs=("deployment",)),
    Call("GET", "deployments/<int:deployment>/", READ),
    Call(
        "POST",
        f"{_ENVIRONMENT}rollback/",
        (401, 404, 201, 201, 201, 403, 403, 403),
        {"release": 1},
        things={"env": "production"},
        needs=("live",),
        event="deployment.requested",
    ),
    Call("GET", f"{_ENVIRONMENT}logs/", READ_LOGS, outside=403),
    Call("GET", f"{_ENVIRONMENT}logs/", READ_LOGS, query="follow=true", outside=403, note="followed"),
    Call("GET", "certificates/", OVERSEE, needs=("certificate",), outside=404),
    Call("GET", "held-names/", OVERSEE, needs=("held_name",), outside=404),
    Call(
        "POST",
        "held-names/<int:held_name>/release/",
        (401, *[404] * 5, 204, 403),
        {"reason": "the domain was sold"},
        event="held_name.released",
    ),
    Call("GET", "hosts/", OVERSEE, needs=("host",), outside=404),
    Call("GET", "dns/providers/", OVERSEE, outside=404),
    Call("GET", "dns/accounts/", OVERSEE, needs=("dns_account",), outside=404),
    Call(
        "POST",
        "dns/accounts/",
        (401, *[404] * 5, 201, 403),
        {"name": "second", "provider": "memory", "secrets": {"key": "x"}, "zones": ["second.example"]},
        event="dns_account.created",
    ),
    Call("GET", _ACCOUNT, OVERSEE, things=_DNS_ACCOUNT),
    Call(
        "PATCH",
        _ACCOUNT,
        (401, *[404] * 5, 200, 403),
        {"is_enabled": False},
        things=_DNS_ACCOUNT,
        event="dns_account.changed",
    ),
    Call("GET", "zones/", OVERSEE, needs=("zone",), outside=404),
    Call("POST", "zones/", (401, *[404] * 5, 201, 403), {"name": "second.example"}, event="zone.created"),
    Call("GET", _ZONE, OVERSEE),
    Call("PATCH", _ZONE, (401, *[404] * 5, 200, 403), {"priority": 7}, event="zone.changed"),
    Call(
        "PUT",
        f"{_ZONE}hosting/",
        (401, *[404] * 5, 200, 403),
        {"account": "{dns_account}", "ttl_s": 120},
        event="zone.hosted",
    ),
    Call("GET", f"{_ZONE}records/", OVERSEE, needs=("dns_record",), outside=404),
    Call("GET", f"{_ZONE}plan/", (401, *[404] * 5, 200, 403), outside=403),
    Call("POST", f"{_ZONE}apply/", (401, *[404] * 5, 202, 403), {"plan": "{plan}"}, event="dns.applied"),
    Call(
        "PUT",
        f"{_ZONE}move/",
        (401, *[404] * 5, 200, 403),
        {"targets": ["192.0.2.99"], "at": "{tomorrow}"},
        event="zone.move_planned",
    ),
    Call("DELETE", f"{_ZONE}move/", (401, *[404] * 5, 200, 403), needs=("move",), event="zone.move_cancelled"),
    Call(
        "POST",
        f"{_ZONE}adopt/",
        (401, *[404] * 5, 200, 403),
        {"name": "{foreign_name}", "type": "A", "reason": "made by hand"},
        event="dns.adopted",
    ),
    Call("GET", "limits/", LIST),
    Call("GET", "health/", PUBLIC),
    Call("GET", "schema/", PUBLIC),
    Call("GET", "docs/", PUBLIC),
]
# These ask the forge, which the tests start for them.
FORGE_CALLS = [
    Call("POST", "me/git-token/", (401, *[201] * 7), event="git_token.created"),
    Call("GET", "me/git-token/", LIST),
    Call(
        "DELETE",
        "me/git-token/<int:git_token>/",
        (401, 404, 204, *[404] * 5),
        things={"git_token": "git_token_id"},
        event="git_token.revoked",
    ),
    Call("DELETE", "me/git-token/", (401, *[204] * 7), needs=("git_token",), event="git_tokens.ended"),
    Call("GET", "releases/<int:release>/diff/", READ, things={"release": "pushed_release"}),
    Call(
        "GET", "releases/<int:release>/diff/file/", READ, query="path=index.php", things={"release": "pushed_release"}
    ),
    Call("GET", "releases/<int:release>/files/", READ, things={"release": "pushed_release"}),
    Call(
        "GET",
        "releases/<int:release>/files/content/",
        READ,
        query="path=index.php",
        things={"release": "pushed_release"},
    ),
    Call("GET", "releases/<int:release>/archive/", READ, things={"release": "pushed_release"}),
]

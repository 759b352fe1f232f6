"""Organizations, apps, environments, releases, and what is granted on them."""

from tests.tenants.rest.endpoints.calls import LIST, READ, Call

_APP = "apps/<str:app>/"
_ENVIRONMENT = f"{_APP}environments/<str:env>/"
_VARIABLE = f"{_ENVIRONMENT}variables/<str:name>/"
_DOMAIN = f"{_ENVIRONMENT}domains/<int:domain>/"
_RELEASE = "releases/<int:release>/"
_GRANT = "grants/<int:grant>/"
KEEP = (401, 404, 403, 200, 200, 403, 403, 403)
SUBMIT = (401, 404, 201, 201, 201, 403, 403, 403)
DECIDE = (401, 404, 403, 403, 403, 200, 403, 403)

CALLS = [
    Call("GET", "organizations/", LIST),
    Call(
        "POST",
        "organizations/",
        (401, *[201] * 7),
        {"name": "New", "slug": "brand-new"},
        event="organization.created",
    ),
    Call("GET", "organizations/<str:slug>/", READ),
    Call("GET", "organizations/<str:slug>/quota/", READ),
    Call(
        "PATCH",
        "organizations/<str:slug>/quota/",
        (401, 404, 403, 403, 403, 403, 200, 403),
        {"apps": 40, "members": None},
        event="quota.changed",
    ),
    Call("GET", "apps/", LIST, needs=("app",)),
    Call(
        "POST",
        "apps/",
        (401, 400, 403, 201, 201, 403, 403, 403),
        {"organization": "{organization}", "name": "New", "slug": "new-app", "stack": "php"},
        event="app.created",
    ),
    Call("GET", _APP, READ),
    Call("PATCH", _APP, KEEP, {"name": "Renamed"}, event="app.renamed"),
    Call("DELETE", _APP, (401, 404, 403, 202, 202, 403, 403, 403), event="app.retiring"),
    Call("GET", f"{_APP}timeline/", READ),
    Call("GET", _ENVIRONMENT, READ),
    Call("PATCH", _ENVIRONMENT, KEEP, {"memory_mib": 300}, event="environment.changed"),
    Call(
        "PUT",
        f"{_ENVIRONMENT}fallback/",
        (401, 404, 403, 403, 403, 403, 200, 403),
        {"fallback": "host"},
        event="environment.fallback_set",
    ),
    Call("PUT", _VARIABLE, KEEP, {"value": "x"}, things={"name": "new_variable"}, event="variable.set"),
    Call(
        "DELETE",
        _VARIABLE,
        (401, 404, 403, 204, 204, 403, 403, 403),
        things={"name": "variable"},
        event="variable.removed",
    ),
    Call("GET", f"{_ENVIRONMENT}domains/", READ, needs=("domain",)),
    Call(
        "POST",
        f"{_ENVIRONMENT}domains/",
        (401, 404, 403, 201, 201, 403, 403, 403),
        {"hostname": "plugin.customer.test"},
        event="domain.added",
    ),
    Call("GET", _DOMAIN, READ),
    Call("DELETE", _DOMAIN, (401, 404, 403, 204, 204, 403, 403, 403), event="domain.removed"),
    Call("POST", f"{_DOMAIN}check/", (401, 404, 403, 202, 202, 403, 403, 403), event="domain.check_requested"),
    Call("GET", f"{_APP}releases/", READ, needs=("release",)),
    Call("POST", f"{_APP}releases/", SUBMIT, {"environment": "test", "ref": "main"}, event="release.submitted"),
    Call("GET", "releases/", LIST, needs=("release",)),
    Call("GET", _RELEASE, READ),
    Call("POST", f"{_RELEASE}approve/", DECIDE, {"digest": "{digest}"}, event="release.approved"),
    Call("POST", f"{_RELEASE}reject/", DECIDE, {"digest": "{digest}", "comment": "no"}, event="release.rejected"),
    Call("POST", f"{_RELEASE}cancel/", (401, 404, 200, 200, 200, 403, 403, 403), {}, event="release.cancelled"),
    Call("GET", f"{_APP}grants/", READ, needs=("app_grant",), right="maintainer"),
    Call(
        "POST",
        f"{_APP}grants/",
        (401, 404, 403, 201, 201, 403, 403, 403),
        {"username": "{newcomer}", "permission": "read_logs"},
        event="app_grant.created",
    ),
    Call(
        "DELETE",
        _APP + _GRANT,
        (401, 404, 404, 204, 204, 404, 403, 403),
        things={"grant": "app_grant"},
        event="app_grant.revoked",
    ),
    Call("GET", f"{_RELEASE}grants/", READ, needs=("release_grant",), right="operator"),
    Call(
        "POST",
        f"{_RELEASE}grants/",
        (401, 404, 403, 403, 403, 403, 201, 403),
        {"username": "{newcomer}", "permission": "view_release"},
        event="release_grant.created",
    ),
    Call(
        "DELETE",
        _RELEASE + _GRANT,
        (401, 404, 404, 404, 404, 404, 204, 403),
        things={"grant": "release_grant"},
        event="release_grant.revoked",
    ),
]

"""Another tenant's rows, named in queries and bodies by somebody who may not see them: as if they were not there."""

from tests.tenants.rest.endpoints.calls import Call

_ANY = (0,) * 8
_MINE = {"slug": "my_organization", "app": "my_app", "name": "my_account"}
_PERSON = {"username": "{account_name}"}

REFERENCES = [
    Call("GET", "apps/", _ANY, query="organization={organization}"),
    Call("GET", "apps/", _ANY, query="search={app}"),
    Call("GET", "releases/", _ANY, query="app={app}", needs=("release",)),
    Call("GET", "tokens/", _ANY, query="user={owner_name}", needs=("token",)),
    Call("GET", "users/", _ANY, query="search={owner_name}"),
    Call("GET", "audit/", _ANY, query="organization={organization}"),
    Call("GET", "audit/", _ANY, query="app={app}"),
    Call("GET", "audit/", _ANY, query="actor={owner_name}"),
    Call("GET", "audit/", _ANY, query="object=app:{app}"),
    Call("GET", "audit/export/", _ANY, query="organization={organization}"),
    Call("GET", "audit/export/", _ANY, query="app={app}"),
    Call("GET", "audit/export/", _ANY, query="actor={owner_name}"),
    Call("GET", "audit/export/", _ANY, query="object=app:{app}"),
    Call("GET", "apps/<str:app>/timeline/", _ANY, query="actor={owner_name}", things=_MINE),
    Call("GET", "apps/<str:app>/timeline/", _ANY, query="object=app:{app}", things=_MINE),
    *(
        Call("GET", f"access/{question}/", _ANY, query=f"action={action}&resource={resource}")
        for question in ("explain", "who-can")
        for action, resource in (
            ("app.view", "app:{app}"),
            ("environment.view", "environment:{app}/test"),
            ("organization.view", "organization:{organization}"),
            ("membership.view", "membership:{organization}/{owner_name}"),
            ("release.view", "release:{release}"),
            ("token.revoke", "token:{token}"),
            ("invitation.answer", "invitation:{invitation}"),
            ("deployment.view", "deployment:{deployment}"),
            ("app.create", "organization:{organization}"),
            ("release.submit", "environment:{app}/test"),
            ("user.view", "user:{owner_name}"),
        )
    ),
    Call(
        "GET",
        "access/explain/",
        _ANY,
        query="action=app.create&resource=organization:{my_organization}&user={owner_name}",
    ),
    Call("POST", "apps/", _ANY, {"organization": "{organization}", "name": "New", "slug": "new-app", "stack": "php"}),
    Call("POST", "tokens/", _ANY, {"name": "x", "organization": "{organization}"}),
    Call("POST", "tokens/", _ANY, {"name": "x", "app": "{app}"}),
    Call(
        "POST",
        "organizations/<str:slug>/service-accounts/<str:name>/tokens/",
        _ANY,
        {"name": "x", "scopes": ["read"], "app": "{app}"},
        things=_MINE,
    ),
    # Machines of others are nobody's; people's names are the platform's own, since one invites by name.
    Call("POST", "organizations/<str:slug>/invitations/", _ANY, {**_PERSON, "role": "developer"}, things=_MINE),
    Call("POST", "apps/<str:app>/grants/", _ANY, {**_PERSON, "permission": "read_logs"}, things=_MINE),
]
# Filters that name no row, by the view's filter's name: states, kinds, times.
NAME_NO_ROW = {"state", "environment", "role", "is_active", "action", "since", "until"}
# The platform's own names: nothing of a tenant's is found by them but what one may see.
OF_THE_PLATFORM = {"policy", "request_id"}

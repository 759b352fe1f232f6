"""People: memberships, invitations, service accounts, accounts, tokens, second factors."""

from tests.tenants.rest.endpoints.calls import LIST, READ, Call

_ORGANIZATION = "organizations/<str:slug>/"
_MEMBER = f"{_ORGANIZATION}members/<str:username>/"
_ACCOUNT = f"{_ORGANIZATION}service-accounts/<str:name>/"
_FACTOR = "me/second-factor/"
_NAMED = {"name": "account"}
OWN = (401, 404, 403, 403, 201, 403, 403, 403)
CHANGE = (401, 404, 403, 403, 200, 403, 403, 403)
REMOVE = (401, 404, 403, 403, 204, 403, 403, 403)
# Whoever sees that somebody else is invited can't answer for them.
ANSWER = (401, 404, 403, 403, 403, 404, 403, 403)
OVERSEE = (401, *[404] * 5, 200, 200)
# Everybody has only their own second factor, and nobody but the owner has one here.
OWN_FACTOR = (401, 409, 409, 409, 201, 409, 409, 409)

CALLS = [
    Call("GET", "me/", LIST),
    Call("GET", _FACTOR, LIST),
    Call("POST", _FACTOR, (401, *[201] * 7), {"password": "{password}"}, event="second_factor.enrolled"),
    Call(
        "DELETE",
        _FACTOR,
        (401, 409, 409, 409, 204, 409, 409, 409),
        {"code": "{code}"},
        event="second_factor.removed",
    ),
    Call("POST", f"{_FACTOR}confirm/", OWN_FACTOR, {"code": "{first_code}"}, event="second_factor.confirmed"),
    Call("POST", f"{_FACTOR}recovery-codes/", OWN_FACTOR, {"code": "{code}"}, event="recovery_codes.renewed"),
    Call(
        "DELETE",
        "users/<str:username>/second-factor/",
        (401, *[404] * 5, 204, 403),
        things={"username": "lost"},
        event="second_factor.removed",
    ),
    Call("GET", f"{_ORGANIZATION}members/", READ),
    Call("PATCH", _MEMBER, CHANGE, {"role": "maintainer"}, things={"username": "leaver"}, event="membership.changed"),
    Call("DELETE", _MEMBER, REMOVE, things={"username": "leaver"}, event="membership.removed"),
    Call("GET", f"{_ORGANIZATION}invitations/", READ, needs=("invitation",)),
    Call(
        "POST",
        f"{_ORGANIZATION}invitations/",
        OWN,
        {"username": "{newcomer}", "role": "developer"},
        event="invitation.created",
    ),
    Call(
        "DELETE",
        f"{_ORGANIZATION}invitations/<int:invitation>/",
        (401, 404, 403, 403, 204, 404, 403, 403),
        event="invitation.revoked",
    ),
    Call("GET", "invitations/", LIST, needs=("invitation",), right="invitee", answer=200),
    Call(
        "POST",
        "invitations/<int:invitation>/accept/",
        ANSWER,
        right="invitee",
        answer=201,
        event="invitation.accepted",
    ),
    Call(
        "POST",
        "invitations/<int:invitation>/decline/",
        ANSWER,
        right="invitee",
        answer=200,
        event="invitation.declined",
    ),
    Call("GET", f"{_ORGANIZATION}service-accounts/", READ, needs=("account",)),
    Call(
        "POST",
        f"{_ORGANIZATION}service-accounts/",
        OWN,
        {"name": "deploy", "role": "developer"},
        event="service_account.created",
    ),
    Call(
        "DELETE",
        _ACCOUNT,
        (401, 404, 403, 403, 204, 404, 403, 403),
        things=_NAMED,
        event="service_account.removed",
    ),
    Call(
        "GET",
        f"{_ACCOUNT}tokens/",
        (401, 404, 200, 200, 200, 404, 200, 200),
        things=_NAMED,
        needs=("account_token",),
        right="owner",
    ),
    Call(
        "POST",
        f"{_ACCOUNT}tokens/",
        (401, 404, 403, 403, 201, 404, 403, 403),
        {"name": "pipeline", "scopes": ["deploy"], "app": "{app}"},
        things=_NAMED,
        event="token.created",
    ),
    Call("GET", "users/", LIST),
    Call(
        "POST",
        "users/",
        (401, *[403] * 5, 201, 403),
        {"username": "eve", "email": "eve@example.test", "password": "{password}"},
        event="user.created",
    ),
    Call("GET", "users/<str:username>/", OVERSEE, things={"username": "newcomer"}),
    Call(
        "PATCH",
        "users/<str:username>/",
        (401, *[404] * 5, 200, 403),
        {"is_reviewer": True},
        things={"username": "newcomer"},
        event="user.changed",
    ),
    Call("GET", "users/<str:username>/quota/", OVERSEE, things={"username": "newcomer"}),
    Call(
        "PATCH",
        "users/<str:username>/quota/",
        (401, *[404] * 5, 200, 403),
        {"organizations": 40},
        things={"username": "newcomer"},
        event="quota.changed",
    ),
    Call("GET", "tokens/", LIST),
    # Without a token it asks for user name and password, which stand in the body.
    Call("POST", "tokens/", (400, *[201] * 7), {"name": "laptop"}, event="token.created"),
    Call("DELETE", "tokens/<int:token>/", (401, 404, 404, 404, 204, 404, 204, 403), event="token.revoked"),
]

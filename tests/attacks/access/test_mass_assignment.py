"""Fields that are the platform's to set, sent with every call of the document: each is refused, and nothing changes."""

from typing import Any

import pytest

from tenants.models import Freeze, Invitation, Membership
from tenants.people.choices import InvitationState, MemberRole
from tests.attacks.access.world import Operation, World, document, fields_of, make_world, operations, rows
from tests.factories import api_client, make_invitation, make_organization, make_user

pytestmark = pytest.mark.django_db
PLATFORMS = {
    "__class__": "x", "actor": 1, "app_id": 1, "approved_by": 1, "commit_sha": "0" * 40, "created_at": "2000-01-01",
    "created_by": 1, "current_release": 1, "date_joined": "2000-01-01", "expires_at": "2999-01-01T00:00:00Z",
    "granted_by": 1, "group": "on-call", "has_second_factor": True, "hash": "0" * 64, "id": 1, "invited_by": 1,
    "invitee": 1, "is_built_in": True, "is_staff": True, "is_superuser": True, "memberships": [], "number": 1,
    "organization_id": 1, "owner": "mallory", "pk": 1, "platform_roles": ["operator"], "public_id": "app1",
    "request_id": "x", "reviewer": 1, "roles": ["operator"], "service_organization": 1, "state": "approved",
    "submitted_by": 1, "token_sha256": "0" * 64, "updated_by": 1, "user_id": 1, "user_permissions": [1],
}  # fmt: skip
# Fields of some calls, which the others must not take.
ELSEWHERE = {
    "digest": "0" * 64, "groups": ["on-call"], "is_active": True, "is_auditor": True, "is_enabled": False,
    "is_operator": True, "is_reviewer": True, "organization": "acme", "permission": "view_pluginapp",
    "role": "owner", "scopes": ["operate"], "version": 7,
}  # fmt: skip


@pytest.fixture
def world() -> World:
    return make_world()


def may(world: World, operation: Operation) -> Any:
    """A client of somebody for whom the call would be allowed, as far as one of these is."""
    platforms = ("/users/", "/policies/", "/freezes/", "/approve/", "/reject/", "/releases/{release}/grants/")
    platforms += ("/zones/", "/dns/", "/held-names/")
    return api_client(world.operator if any(part in operation.template for part in platforms) else world.owner)


def test_f13_every_call_refuses_by_name_what_is_not_its_to_take(world: World) -> None:
    components, tried = document()["components"]["schemas"], 0
    clients = {operation.name: may(world, operation) for operation in operations(world)}
    before = rows()
    for operation in operations(world):
        if not operation.takes_body:
            continue
        extra = PLATFORMS | ELSEWHERE
        extra = {name: extra[name] for name in extra.keys() - fields_of(operation, components)}
        answer = operation.send(clients[operation.name], extra)
        assert answer.status_code == 400, (operation.name, answer.content)
        named = {error["field"] for error in answer.json()["errors"] if error["code"] == "unknown_field"}
        assert named == extra.keys(), operation.name
        tried += 1
    assert tried >= 25
    assert rows() == before


def refused_whole(client: Any, path: str, wanted: dict[str, Any]) -> None:
    """A call that takes no body takes none: it is not done without the fields either."""
    before = rows()
    answer = client.post(path, wanted, format="json")
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, ["body"])
    assert rows() == before


def test_f13_who_accepts_an_invitation_gets_the_role_that_was_offered(world: World) -> None:
    mallory = make_user("mallory")
    invitation = make_invitation(world.organization, mallory, MemberRole.DEVELOPER)
    wanted = {"role": "owner", "organization": make_organization().slug, "is_operator": True}
    path, client = f"/api/v1/invitations/{invitation.pk}/accept/", api_client(mallory)
    refused_whole(client, path, wanted)
    assert client.post(path).json()["role"] == "developer"
    membership = Membership.objects.get(user=mallory)
    assert (membership.organization, membership.role) == (world.organization, "developer")
    mallory.refresh_from_db()
    assert mallory.roles == []


def test_f13_who_declines_only_declines(world: World) -> None:
    invitation = make_invitation(world.organization, make_user("mallory"))
    path = f"/api/v1/invitations/{invitation.pk}/decline/"
    wanted = {"state": "accepted", "role": "owner", "invitee": world.owner.pk}
    client = api_client(invitation.invitee)
    refused_whole(client, path, wanted)
    assert client.post(path).status_code == 200
    ended = Invitation.objects.get(pk=invitation.pk)
    assert (ended.state, ended.role, ended.invitee) == (InvitationState.DECLINED, "developer", invitation.invitee)


def test_f13_the_end_of_a_freeze_is_now_and_no_other_time(world: World) -> None:
    freeze = Freeze.objects.get()
    wanted = {"ends_at": "2999-01-01T00:00:00Z", "reason": "for ever", "created_by": 1}
    path = f"/api/v1/freezes/{freeze.pk}/end/"
    client = api_client(world.operator)
    refused_whole(client, path, wanted)
    assert client.post(path).status_code == 200
    ended = Freeze.objects.get()
    assert ended.ends_at < freeze.ends_at
    assert (ended.reason, ended.created_by) == (freeze.reason, freeze.created_by)

"""Operators keep the accounts: roles, groups, and an end that is one at once."""

import pytest
from django.test import Client

from tenants.models import ApiToken, AuditEvent, Membership, User
from tests.factories import (
    PASSWORD,
    api_client,
    make_member,
    make_operator,
    make_organization,
    make_reviewer,
    make_token,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db
USERS = "/api/v1/users/"
NEW = {"username": "ann", "email": "ann@example.test", "password": PASSWORD}


@pytest.fixture
def operator() -> object:
    return api_client(make_operator("olga"))


def test_an_operator_makes_finds_and_changes_people(operator: Client) -> None:
    made = operator.post(USERS, NEW | {"is_reviewer": True}, format="json")
    assert (made.status_code, made.json()["is_reviewer"], made.json()["is_operator"]) == (201, True, False)
    assert PASSWORD not in made.content.decode()
    assert User.objects.get(username="ann").check_password(PASSWORD)
    assert [row["username"] for row in operator.get(USERS, {"search": "ANN@"}).json()["results"]] == ["ann"]
    assert [row["username"] for row in operator.get(USERS, {"role": "operator"}).json()["results"]] == ["olga"]
    changed = operator.patch(f"{USERS}ann/", {"is_auditor": True, "groups": ["on-call"]}, format="json").json()
    assert (changed["is_auditor"], changed["is_reviewer"], changed["groups"]) == (True, True, ["on-call"])
    assert operator.patch(f"{USERS}Ann/", {"groups": []}, format="json").json()["groups"] == []
    event = AuditEvent.objects.filter(action="user.changed").latest("pk")
    assert (event.before, event.after) == ({"groups": ["on-call"]}, {"groups": []})


def test_the_same_again_leaves_no_trace(operator: Client) -> None:
    make_user("ann", is_auditor=True)
    before = AuditEvent.objects.count()
    assert operator.patch(f"{USERS}ann/", {"is_auditor": True, "is_active": True}, format="json").status_code == 200
    assert operator.patch(f"{USERS}ann/", {}, format="json").status_code == 200
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"is_superuser": True}, "is_superuser"),
        ({"is_staff": True}, "is_staff"),
        ({"password": "x"}, "password"),
        ({"username": "eve"}, "username"),
        ({"service_organization": "acme"}, "service_organization"),
        ({"email": "nowhere"}, "email"),
        ({"is_active": "no"}, "is_active"),
        ({"groups": ["on\ncall"]}, "groups"),
        ({"groups": "on-call"}, "groups"),
        ({"groups": [""]}, "groups"),
    ],
)
def test_a_refused_change_names_its_field_and_changes_nothing(
    operator: Client, body: dict[str, object], field: str
) -> None:
    make_user("ann")
    refused = operator.patch(f"{USERS}ann/", {"is_reviewer": True} | body, format="json")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"].partition(".")[0] == field
    ann = User.objects.get(username="ann")
    assert (ann.is_reviewer, ann.is_superuser, ann.is_staff) == (False, False, False)


def test_who_is_deactivated_is_out_at_once_and_stays_out_when_they_come_back(operator: Client) -> None:
    ann = make_user("ann")
    text = make_token(ann)
    browser = Client()
    browser.force_login(ann)
    other = Client()
    other.force_login(make_user("bob"))
    assert browser.get("/apps/").status_code == 200
    assert operator.patch(f"{USERS}ann/", {"is_active": False}, format="json").status_code == 200
    bearer = {"Authorization": f"Bearer {text}"}
    for is_active in (False, True):
        assert operator.patch(f"{USERS}ann/", {"is_active": is_active}, format="json").status_code == 200
        assert browser.get("/apps/").status_code == 302
        assert api_client().get("/api/v1/me/", headers=bearer).status_code == 401
    assert other.get("/apps/").status_code == 200
    assert ApiToken.objects.filter(user=ann, revoked_at=None).count() == 0


def test_it_is_said_which_organizations_a_deactivated_owner_leaves_alone(operator: Client) -> None:
    ann = make_user("ann")
    make_organization(slug="alone", owner=ann)
    shared = make_organization(slug="shared", owner=ann)
    make_member(shared, "owner")
    assert operator.get(f"{USERS}ann/").json()["organizations_without_owner"] == ["alone"]
    changed = operator.patch(f"{USERS}ann/", {"is_active": False}, format="json").json()
    assert changed["organizations_without_owner"] == ["alone"]
    assert "without an active owner now: alone" in AuditEvent.objects.get(action="user.changed").message
    assert Membership.objects.filter(user=ann).count() == 2


def test_the_last_operator_can_not_lock_everybody_out(operator: Client) -> None:
    for body in ({"is_operator": False}, {"is_active": False}):
        refused = operator.patch(f"{USERS}olga/", body, format="json")
        assert (refused.status_code, refused.json()["code"]) == (409, "would_lock_out")
    make_operator()
    assert operator.patch(f"{USERS}olga/", {"is_operator": False}, format="json").status_code == 200


def test_others_see_themselves_and_change_nobody(operator: Client) -> None:
    ann = make_user("ann")
    for user in (ann, make_reviewer("rita"), owner_of(make_organization())):
        client = api_client(user)
        assert [row["username"] for row in client.get(USERS).json()["results"]] == [user.username]
        assert client.get(f"{USERS}olga/").status_code == 404
        assert client.patch(f"{USERS}olga/", {"is_operator": False}, format="json").status_code == 404
        refused = client.patch(f"{USERS}{user.username}/", {"is_operator": True}, format="json")
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
        assert client.post(USERS, NEW | {"username": "eve"}, format="json").status_code == 403
    assert list(User.objects.filter(is_operator=True).values_list("username", flat=True)) == ["olga"]

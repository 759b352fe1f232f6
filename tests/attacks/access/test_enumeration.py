"""Who has an account is nobody's business: known, unknown, inactive and other names get one answer and one effort."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tenants.models import User
from tests.attacks.access.world import World, make_world
from tests.authenticator import enroll
from tests.factories import PASSWORD, api_client, make_service_account, make_user

pytestmark = pytest.mark.django_db
ADDRESS = "192.0.2.7"


@pytest.fixture(autouse=True)
def _no_earlier_attempts() -> None:
    cache.clear()


@pytest.fixture
def names() -> list[str]:
    """Somebody, who has a second factor, who is inactive, a service account, nobody, and what is no name at all."""
    world = make_world()
    protected = make_user("protected")
    enroll(protected)
    make_user("inactive", is_active=False)
    account = make_service_account(world.organization, "deploy")
    return [world.owner.username, "protected", "inactive", account.username, "nobody", "no name", "x" * 150]


def by_token(name: str) -> Any:
    body = {"username": name, "password": "wrong", "name": "x", "otp": "000000"}
    return Client().post("/api/v1/tokens/", body, content_type="application/json", REMOTE_ADDR=ADDRESS)


def by_page(name: str) -> Any:
    return Client().post("/sign-in/", {"username": name, "password": "wrong"}, REMOTE_ADDR=ADDRESS)


OF_THE_MOMENT = {"X-Request-Id", "Content-Length", "Expires"}


def shape(answer: Any, name: str) -> tuple[int, dict[str, str], str]:
    """The answer without what is random or the time of day in each, and without the name that was sent."""
    headers = {key: value for key, value in answer.headers.items() if key not in OF_THE_MOMENT}
    text = re.sub(r'"request_id": "\w+"|name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return answer.status_code, headers, text.replace(name, "NAME")


@pytest.mark.parametrize("sign_in", [by_token, by_page])
def test_f29_a_wrong_password_tells_nothing_of_the_name(names: list[str], sign_in: Callable[[str], Any]) -> None:
    sign_in("warm-up")
    seen = []
    for name in names:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = sign_in(name)
        tables = [re.sub(r"'[^']*'|\d+", "?", query["sql"]).split("WHERE")[0] for query in queries.captured_queries]
        seen.append((shape(answer, name), tables))
    for other in seen[1:]:
        assert other == seen[0]
    assert seen[0][0][0] in {400, 401}


def test_f29_the_password_is_hashed_once_whoever_is_asked_for(
    names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The effort that takes time, which is nearly all of it."""
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(hasher: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return str(encode(hasher, password, salt))

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    efforts = {}
    for name in names:
        hashed.clear()
        by_token(name)
        efforts[name] = len(hashed)
    assert set(efforts.values()) == {1}, efforts


def test_f29_a_second_factor_is_asked_for_only_after_the_right_password(names: list[str]) -> None:
    body = {"username": "protected", "name": "x"}
    wrong = api_client().post("/api/v1/tokens/", body | {"password": "wrong"}, format="json")
    right = api_client().post("/api/v1/tokens/", body | {"password": PASSWORD}, format="json")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")
    assert (right.status_code, right.json()["code"]) == (401, "second_factor_required")
    assert User.objects.get(username="protected").api_tokens.count() == 0


@pytest.fixture
def acme() -> World:
    return make_world()


NAMED = ["acme-owner", "acme-outsider", "acme-operator", "inactive", "nobody", "svc-acme.ci"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("organizations/acme/invitations/", {"role": "developer"}),
        ("apps/{app}/grants/", {"permission": "view_pluginapp"}),
        ("releases/{release}/grants/", {"permission": "view_release"}),
    ],
)
@pytest.mark.parametrize("asker", ["stranger", "developer"])
def test_f29_who_may_not_invite_or_share_learns_no_name(
    acme: World, asker: str, path: str, body: dict[str, str]
) -> None:
    """Who may is told that a name is nobody's, on purpose: a person is invited by it."""
    make_user("inactive", is_active=False)
    user = make_user("stranger") if asker == "stranger" else acme.outsider
    client = api_client(user)
    url = "/api/v1/" + path.format(app=acme.app.public_id, release=acme.releases[0].pk)
    answers = [client.post(url, body | {"username": name}, format="json") for name in NAMED]
    assert {answer.status_code for answer in answers} <= {403, 404}
    assert len({re.sub(r'"request_id": "\w+"', "", answer.content.decode()) for answer in answers}) == 1
    known = [client.get(f"/api/v1/users/{name}/") for name in NAMED if name != user.username]
    assert {answer.status_code for answer in known} == {404}
    assert len({re.sub(r'"request_id": "\w+"', "", answer.content.decode()) for answer in known}) == 1


def test_f29_an_invitation_tells_no_more_of_the_inactive_and_of_machines_than_of_nobody(acme: World) -> None:
    make_user("inactive", is_active=False)
    client, answers = api_client(acme.owner), set()
    for name in ("inactive", "nobody", "svc-acme.ci", "\u00ff", "a'b", "x" * 300):
        body = {"username": name, "role": "developer"}
        answer = client.post("/api/v1/organizations/acme/invitations/", body, format="json")
        answers.add((answer.status_code, re.sub(r'"request_id": "\w+"', "", answer.content.decode())))
    ((status, text),) = answers
    assert status == 400
    assert "is nobody's" in text


def test_f29_lists_and_filters_of_users_and_tokens_show_ones_own(acme: World) -> None:
    for user in (acme.owner, acme.member, make_user("stranger")):
        client = api_client(user)
        for query in ("", "?search=a", "?search=@", "?role=operator", "?is_active=true"):
            named = {row["username"] for row in client.get(f"/api/v1/users/{query}").json()["results"]}
            assert named <= {user.username}
        for name in (acme.operator.username, "nobody"):
            tokens = client.get("/api/v1/tokens/", {"user": name}).json()["results"]
            assert tokens == []
    everybody = {row["username"] for row in api_client(acme.operator).get("/api/v1/users/").json()["results"]}
    assert {acme.owner.username, acme.member.username} <= everybody

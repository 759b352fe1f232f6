"""A token is shown once, on the page after the form that made it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache

from paas.portal import shown_once
from provisioning.models import ForgeAccount
from provisioning.repositories.choices import GitTokens
from tenants.models import ApiToken
from tests.factories import api_client, make_app, make_organization, make_user, owner_of
from tests.paas.portal.conftest import Visit

pytestmark = pytest.mark.django_db
SENT = {"name": "deploy script", "scopes": ["deploy"], "place": "", "expires_in_days": "30"}


@pytest.fixture(autouse=True)
def _no_earlier_requests() -> None:
    cache.clear()


def test_an_api_token_works_and_is_shown_once(visit: Visit) -> None:
    user = make_user()
    client = visit(user)
    assert client.post("/tokens/api/", SENT)["Location"] == "/tokens/"
    answer = client.get("/tokens/")
    found = re.search(r"berth_[A-Za-z0-9_-]{43}", answer.content.decode())
    assert found
    assert "no-store" in answer["Cache-Control"]
    later = client.get("/tokens/").content.decode()
    assert "deploy script" in later
    assert found[0] not in later
    assert not any(found[0] in str(session.get_decoded()) for session in Session.objects.all())
    bearer = api_client()
    bearer.credentials(HTTP_AUTHORIZATION=f"Bearer {found[0]}")
    assert bearer.get("/api/v1/me/").json()["username"] == user.username


@pytest.mark.parametrize("name", ["", " x", "a\u202eb", "n" * 101])
def test_a_refused_name_makes_no_token(visit: Visit, name: str) -> None:
    answer = visit(make_user()).post("/tokens/api/", SENT | {"name": name})
    assert (answer.status_code, set(answer.context["form"].errors)) == (400, {"name"})
    assert answer.context["form"]["name"].value() == name
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"expires_in_days": "366"}, "expires_in_days"),
        ({"expires_in_days": "9" * 5000}, "expires_in_days"),
        ({"place": "organization:other"}, None),
        ({"place": "app:app1000001"}, None),
    ],
)
def test_what_a_token_may_not_be_stands_beside_its_field(visit: Visit, sent: dict[str, Any], field: str | None) -> None:
    make_app(organization=make_organization(slug="other"))
    answer = visit(make_user()).post("/tokens/api/", SENT | sent)
    assert (answer.status_code, set(answer.context["form"].errors)) == (400, {field or "__all__"})
    assert not ApiToken.objects.exists()


def test_a_token_for_one_app_is_offered_and_made(visit: Visit) -> None:
    app = make_app()
    client = visit(owner_of(app.organization))
    place = f"app:{app.public_id}"
    assert place in client.get("/tokens/").content.decode()
    assert client.post("/tokens/api/", SENT | {"place": place}).status_code == 302
    token = ApiToken.objects.get()
    assert (token.app, token.organization, token.scopes) == (app, None, ["deploy"])
    assert f"<code>{app.public_id}</code>" in client.get("/tokens/").content.decode()


def test_a_token_is_revoked_by_its_owner_alone(visit: Visit) -> None:
    owner = visit(make_user())
    owner.post("/tokens/api/", SENT)
    token = ApiToken.objects.get()
    path = f"/tokens/api/{token.pk}/revoke/"
    assert visit(make_user()).post(path).status_code == 404
    assert owner.post("/tokens/api/99999999999999999999/revoke/").status_code == 404
    for asked in (owner.get(path), owner.post(path)):
        assert "Revoke the token deploy script" in asked.content.decode()
        assert "It was never used" in asked.content.decode()
    token.refresh_from_db()
    assert token.revoked_at is None
    assert owner.post(path, {"confirmed": "yes"})["Location"] == "/tokens/"
    token.refresh_from_db()
    assert token.revoked_at
    assert owner.get("/tokens/").context["tokens"] == []


def test_without_a_forge_there_is_a_notice_and_no_git_token(visit: Visit) -> None:
    answer = visit(make_user()).post("/tokens/git/")
    assert answer.status_code == 503
    assert "No git token was made: the forge did not answer" in answer.content.decode()


def test_tokens_for_git_are_revoked_and_without_a_forge_as_soon_as_there_is_one(visit: Visit) -> None:
    user = make_user()
    client = visit(user)
    # Who has none needs no forge.
    answer = client.post("/tokens/git/revoke/", {"confirmed": "yes"}, follow=True)
    assert "Your git tokens are revoked." in answer.content.decode()
    account = ForgeAccount.objects.create(user=user, forge_user_id=1, forge_username="x", git_tokens=GitTokens.GIVEN)
    assert "on all your machines" in client.post("/tokens/git/revoke/").content.decode()
    account.refresh_from_db()
    assert account.git_tokens == GitTokens.GIVEN
    answer = client.post("/tokens/git/revoke/", {"confirmed": "yes"})
    assert answer.status_code == 503
    assert "are not revoked yet, and will be" in answer.content.decode()
    account.refresh_from_db()
    assert account.git_tokens == GitTokens.ENDING


def test_the_form_chooses_no_scope_but_to_read(visit: Visit) -> None:
    text = visit(make_user()).get("/tokens/").content.decode()
    assert re.findall(r'name="scopes" value="(\w+)"[^>]* checked', text) == ["read"]


def test_a_reload_of_the_page_after_makes_no_other_token(visit: Visit) -> None:
    client = visit(make_user())
    made = client.post("/tokens/api/", SENT, follow=True)
    assert made.redirect_chain == [("/tokens/", 302)]
    assert made.context["made"]["name"] == "deploy script"
    for _ in range(2):
        assert client.get("/tokens/").context["made"] is None
    assert ApiToken.objects.count() == 1


def test_a_token_that_nobody_looked_at_is_forgotten(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    client = visit(make_user())
    client.post("/tokens/api/", SENT)
    monkeypatch.setattr(shown_once, "LASTS", timedelta(seconds=-1))
    assert client.get("/tokens/").context["made"] is None


def test_git_tokens_are_said_to_be_unlisted_while_the_forge_is_away(visit: Visit) -> None:
    user = make_user()
    client = visit(user)
    assert "You have none." in client.get("/tokens/").content.decode()
    ForgeAccount.objects.create(user=user, forge_user_id=1, forge_username="x", git_tokens=GitTokens.GIVEN)
    answer = client.get("/tokens/")
    assert answer.status_code == 200
    assert "can&#x27;t be listed right now" in answer.content.decode()
    assert client.get("/tokens/git/1/revoke/").status_code == 503

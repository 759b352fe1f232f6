"""Over REST: fields that nobody asked for, and texts that are more than they should be. Each with its control."""

from typing import Any

import pytest

from tenants.apps.choices import AppState
from tenants.models import Membership, Organization, PluginApp, Release, Subdomain
from tenants.releases.choices import ReleaseState
from tests.factories import (
    api_client,
    make_app,
    make_member,
    make_organization,
    make_release,
    make_reviewer,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db
APP = {"organization": "acme", "name": "Shop", "slug": "shop", "stack": "php"}


def fields_of(response: Any) -> set[str]:
    assert response.status_code == 400, response.content
    return {error["field"].partition(".")[0] for error in response.json()["errors"]}


@pytest.mark.parametrize(
    "extra",
    [
        {"id": "app7"}, {"number": 7}, {"public_id": "app7"}, {"state": "active"}, {"port": 80}, {"uid": 0},
        {"image": "evil"}, {"runtime": "runc"}, {"runtime_class": "host"}, {"owner": "mallory"}, {"created_by": 1},
        {"repository": {"http_url": "file:///etc"}}, {"hostnames": ["www.google.com"]}, {"is_reviewed": True},
        {"environments": [{"name": "production", "memory_mib": 65536}]}, {"__class__": "x"}, {"pk": 1},
    ],
    ids=lambda extra: next(iter(extra)),
)  # fmt: skip
def test_c10_an_app_takes_no_field_that_is_the_platforms(extra: dict[str, Any]) -> None:
    client = api_client(owner_of(make_organization(slug="acme")))
    assert fields_of(client.post("/api/v1/apps/", APP | extra, format="json")) == set(extra)
    assert not PluginApp.objects.exists()
    # The control: without it the same request is taken.
    assert client.post("/api/v1/apps/", APP, format="json").status_code == 201


@pytest.mark.parametrize("extra", ["state", "commit_sha", "digest", "submitted_by", "configuration", "is_rollback"])
def test_c10_a_release_takes_no_field_that_is_the_platforms(extra: str) -> None:
    app = make_app()
    client = api_client(owner_of(app.organization))
    path, body = f"/api/v1/apps/{app.public_id}/releases/", {"environment": "test", "ref": "main"}
    assert fields_of(client.post(path, body | {extra: "live"}, format="json")) == {extra}
    assert not Release.objects.exists()
    assert client.post(path, body, format="json").status_code == 201


@pytest.mark.parametrize(
    "extra", ["is_reviewer", "is_operator", "is_staff", "is_superuser", "role", "roles", "members"]
)
def test_f13_nobody_makes_himself_more_than_he_is(extra: str) -> None:
    mallory = make_user("mallory")
    client = api_client(mallory)
    body = {"name": "Mine", "slug": "mine"}
    assert fields_of(client.post("/api/v1/organizations/", body | {extra: True}, format="json")) == {extra}
    assert client.patch("/api/v1/me/", {extra: True}, format="json").status_code == 405
    mallory.refresh_from_db()
    assert (mallory.is_reviewer, mallory.is_operator) == (False, False)
    assert not Organization.objects.exists()
    assert client.post("/api/v1/organizations/", body, format="json").status_code == 201


def test_f13_a_member_does_not_raise_himself() -> None:
    organization = make_organization(slug="acme")
    client = api_client(make_member(organization, user=make_user("dev")))
    raised = client.patch("/api/v1/organizations/acme/members/dev/", {"role": "owner"}, format="json")
    assert raised.status_code == 403
    invited = client.post(
        "/api/v1/organizations/acme/invitations/", {"username": "dev", "role": "owner"}, format="json"
    )
    assert invited.status_code == 403
    assert Membership.objects.get(user__username="dev").role == "developer"


@pytest.mark.parametrize("batch", [[APP, APP], {"apps": [APP] * 1000}, {"organization": ["acme", "other"]}])
def test_f13_many_in_one_request_are_none(batch: Any) -> None:
    client = api_client(owner_of(make_organization(slug="acme")))
    assert client.post("/api/v1/apps/", batch, format="json").status_code == 400
    assert not PluginApp.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ["Shop"]}, {"name": {"$ne": ""}}, {"name": 1}, {"name": True}, {"name": None}, {"slug": ["shop"]},
        {"slug": "../x"}, {"slug": "-rf"}, {"slug": "admin"}, {"slug": "con"}, {"slug": "x" * 64},
        {"slug": "xn--80ak6aa92e"}, {"slug": "a.com; } server { listen 80; }"}, {"slug": "${host}"}, {"slug": "a\n"},
        {"stack": "php; touch x"}, {"stack": ["php"]}, {"organization": "../acme"}, {"organization": {"slug": "acme"}},
    ],
    ids=str,
)  # fmt: skip
def test_c6_a_text_that_is_more_than_a_name_is_refused_by_its_field(wrong: dict[str, Any]) -> None:
    client = api_client(owner_of(make_organization(slug="acme")))
    assert fields_of(client.post("/api/v1/apps/", APP | wrong, format="json")) == set(wrong)
    assert not PluginApp.objects.exists()


@pytest.mark.parametrize(
    "ref",
    [
        "--output=/x", "--upload-pack=touch x", "-c", "HEAD:refs/heads/main", "@{-1}", "@{upstream}",
        "main@{1.day.ago}", "main^{/x}", "a..b", "../../etc/passwd", "main\u202e", "ma\u200bin", "main\n", "main\x00",
        "x;touch y z", ".git",
        "refs/heads/../x", "a" * 300, ["main"], {"name": "main"}, 7, None, "",
    ],
    ids=repr,
)  # fmt: skip
def test_a5_a_ref_that_is_more_than_a_name_is_refused(ref: Any) -> None:
    app = make_app()
    client = api_client(owner_of(app.organization))
    path = f"/api/v1/apps/{app.public_id}/releases/"
    assert fields_of(client.post(path, {"environment": "test", "ref": ref}, format="json")) == {"ref"}
    assert not Release.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        "/x\n", "/x; }", "/$host", "/{x}", "/x#y", "/../x", "/%2e%2e/x", "/%2E%2e%2fx", "x", "//\x00", "/x y",
        "/\u00e9",
        "http://169.254.77.77/", "/?a?b", "/" + "x" * 300,
    ],
    ids=repr,
)  # fmt: skip
def test_c2_no_text_of_a_tenants_becomes_configuration(path: str) -> None:
    app = make_app()
    client = api_client(owner_of(app.organization))
    where = f"/api/v1/apps/{app.public_id}/environments/production/"
    assert fields_of(client.patch(where, {"health_check_path": path}, format="json")) == {"health_check_path"}
    assert client.patch(where, {"health_check_path": "/up?x=1"}, format="json").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"port": 80}, {"memory_mib": 10**9}, {"memory_mib": -1}, {"memory_mib": "256; x"}, {"memory_mib": True},
        {"pids": 0}, {"cpu_millis": 1e9}, {"disk_mib": [64]}, {"hostnames": ["a.com"]}, {"name": "admin"},
        {"privileged": True}, {"cap_add": ["ALL"]}, {"network_mode": "host"},
    ],
    ids=str,
)  # fmt: skip
def test_c7_an_environment_has_no_port_and_no_limit_beyond_its_range(change: dict[str, Any]) -> None:
    app = make_app()
    client = api_client(owner_of(app.organization))
    where = f"/api/v1/apps/{app.public_id}/environments/production/"
    before = client.get(where).json()
    assert fields_of(client.patch(where, change, format="json")) == set(change)
    assert client.get(where).json() == before


@pytest.mark.parametrize(
    ("app", "environment"),
    [
        ("{app}", "../../other"), ("{app}", "..%2f..%2fother"), ("{app}", "%2e%2e"), ("{app}", "production%00"),
        ("{app}", "production%2f.."), ("{app}", "/etc/passwd"), ("../{app}", "production"), ("{app}%0a", "production"),
        ("{APP}", "production"), ("{app}.log", "production"), ("0{app}", "production"), ("{app}", "staging"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("what", ["logs/", ""])
def test_f3_a_path_that_climbs_is_nothing(app: str, environment: str, what: str) -> None:
    mine = make_app()
    client = api_client(owner_of(mine.organization))
    name = app.format(app=mine.public_id, APP=mine.public_id.upper())
    response = client.get(f"/api/v1/apps/{name}/environments/{environment}/{what}")
    assert response.status_code == 404
    assert client.get(f"/api/v1/apps/{mine.public_id}/environments/production/{what}").status_code == 200


@pytest.mark.parametrize(
    "container",
    ["../../x", "/etc/passwd", "%2e%2e", "x\x00", "-f", "a b", "live;id", "", "x" * 200, "/var/run/docker.sock", "*"],
    ids=repr,
)
def test_f3_a_container_is_a_name_and_no_path(container: str) -> None:
    app = make_app()
    client = api_client(owner_of(app.organization))
    where = f"/api/v1/apps/{app.public_id}/environments/production/logs/"
    assert fields_of(client.get(where, {"container": container})) == {"container"}


def test_b3_a_second_account_in_the_plugins_organization_does_not_review() -> None:
    app = make_app()
    release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    second = make_member(app.organization, user=make_reviewer("second-account"))
    approve = f"/api/v1/releases/{release.pk}/approve/"
    refused = api_client(second).post(approve, {"digest": release.digest}, format="json")
    assert refused.status_code == 403
    release.refresh_from_db()
    assert release.state == ReleaseState.AWAITING_REVIEW
    # The control: a reviewer of no organization of the plugin's does.
    assert api_client(make_reviewer()).post(approve, {"digest": release.digest}, format="json").status_code == 200


def test_d21_an_apps_name_is_never_given_twice() -> None:
    first = make_app(state=AppState.RETIRED, slug="shop")
    again = make_app(organization=first.organization, slug="shop")
    assert again.public_id != first.public_id
    names = [
        name
        for app in (first, again)
        for name in Subdomain.objects.filter(environment__app=app).values_list("hostname", flat=True)
    ]
    assert len(names) == len(set(names)) == 4

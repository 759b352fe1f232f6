"""Apps, their environments and variables over REST."""

import pytest
from django.db import connection
from rest_framework.test import APIClient

from tenants.apps.choices import AppState
from tenants.models import AuditEvent, PluginApp, Subdomain
from tenants.people.choices import MemberRole
from tests.factories import api_client, make_app, make_member, make_organization, make_release, owner_of

pytestmark = pytest.mark.django_db
APPS = "/api/v1/apps/"


@pytest.fixture
def client() -> APIClient:
    return api_client(owner_of(make_organization(slug="acme")))


def create(client: APIClient, **changes: object) -> dict:
    body = {"organization": "acme", "name": "Shop", "slug": "shop", "stack": "php"} | changes
    response = client.post(APPS, body, format="json")
    return response.json() | {"code_": response.status_code}


def test_a_new_app_is_provisioning_and_has_its_hostnames(client: APIClient) -> None:
    app = create(client)
    assert app["code_"] == 201
    assert (app["id"], app["state"], app["repository"]) == ("app1000001", "provisioning", {"http_url": None})
    assert app["environments"] == [
        {"name": "production", "hostnames": ["app1000001.apps.localhost"], "current_release": None},
        {"name": "test", "hostnames": ["app1000001.test.apps.localhost"], "current_release": None},
    ]


def test_ids_count_up_and_are_not_used_again(client: APIClient) -> None:
    assert create(client)["id"] == "app1000001"
    PluginApp.objects.update(state=AppState.RETIRED)
    assert create(client)["id"] == "app1000002"


def test_a_slug_is_used_once_by_living_apps_of_an_organization(client: APIClient) -> None:
    create(client)
    second = create(client, name="Another")
    assert (second["code_"], second["code"], second["errors"][0]["field"]) == (409, "already_exists", "slug")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"slug": "../x"}, "slug"),
        ({"slug": "admin"}, "slug"),
        ({"slug": 7}, "slug"),
        ({"slug": None}, "slug"),
        ({"name": "a\nb"}, "name"),
        ({"name": ["x"]}, "name"),
        ({"stack": "cobol"}, "stack"),
        ({"organization": "other"}, "organization"),
        ({"is_reviewed": True}, "is_reviewed"),
        ({"state": "active"}, "state"),
        ({"number": 1}, "number"),
    ],
)
def test_a_refused_field_is_named_and_nothing_is_stored(
    client: APIClient, changes: dict[str, object], field: str
) -> None:
    refused = create(client, **changes)
    assert refused["code_"] == 400
    assert [error["field"] for error in refused["errors"]] == [field]
    assert not PluginApp.objects.exists()
    assert not Subdomain.objects.exists()


def test_the_list_filters_by_organization_state_and_text(client: APIClient) -> None:
    shop = create(client)["id"]
    other = create(client, name="Wiki page", slug="pages")["id"]
    PluginApp.objects.filter(slug="pages").update(state=AppState.ACTIVE)

    def found(query: str) -> list[str]:
        return [app["id"] for app in client.get(f"{APPS}?{query}").json()["results"]]

    assert found("organization=acme") == [other, shop]
    assert found("organization=nobodys") == []
    assert found("state=active") == [other]
    assert found("search=WIKI") == [other]
    assert found(f"search={shop}") == [shop]
    assert found("search=%25") == []


def test_pages_follow_one_another(client: APIClient) -> None:
    for number in range(5):
        create(client, slug=f"shop{number}")
    seen: list[str] = []
    url = f"{APPS}?page_size=2"
    while url:
        page = client.get(url).json()
        seen += [app["slug"] for app in page["results"]]
        assert len(page["results"]) <= 2
        url = page["next"]
    assert seen == ["shop4", "shop3", "shop2", "shop1", "shop0"]


@pytest.mark.parametrize(
    "query",
    [
        *("page_size=0", "page_size=101", "page_size=x", "page_size=", "cursor=zzz", "cursor=%FF", "cursor=cD14"),
        *("cursor=cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "state=nonsense", "search=%00"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(client: APIClient, query: str) -> None:
    create(client)
    response = client.get(f"{APPS}?{query}")
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [query.partition("=")[0]]


def test_renaming_and_retiring(client: APIClient) -> None:
    path = f"{APPS}{create(client)['id']}/"
    assert client.patch(path, {"name": "Store"}, format="json").json()["name"] == "Store"
    retired = client.delete(path)
    assert (retired.status_code, retired.json()["state"]) == (202, "retiring")
    assert client.delete(path).json()["code"] == "invalid_transition"
    assert client.patch(path, {"name": "Late"}, format="json").status_code == 409
    assert client.put(f"{path}environments/test/variables/A/", {"value": "1"}, format="json").status_code == 409


def test_what_cannot_be_changed_is_refused(client: APIClient) -> None:
    path = f"{APPS}{create(client)['id']}/"
    for body in ({"slug": "other"}, {"organization": "x"}, {"name": ""}, [], "x"):
        assert client.patch(path, body, format="json").status_code == 400


@pytest.mark.parametrize(
    "app", ["app1", "app01000001", "APP1000001", "1000001", "app1000001x", "app99999999999999", "%2e"]
)
def test_what_is_no_app_id_is_not_found(client: APIClient, app: str) -> None:
    create(client)
    assert client.get(f"{APPS}{app}/").status_code == 404


def test_an_environments_settings_change_in_their_ranges(client: APIClient) -> None:
    path = f"{APPS}{create(client)['id']}/environments/test/"
    changes = {"memory_mib": 512, "cpu_millis": 1000, "pids": 64, "disk_mib": 16, "health_check_path": "/up"}
    changed = client.patch(path, changes, format="json").json()
    assert {name: changed[name] for name in changes} == changes
    refused = client.patch(path, {"memory_mib": 5000, "pids": 1, "health_check_path": "/;"}, format="json").json()
    assert {error["field"] for error in refused["errors"]} == {"memory_mib", "pids", "health_check_path"}
    assert "from 32 to 4096" in str(refused["errors"])
    after = client.get(path).json()
    assert {name: after[name] for name in changes} == changes


def test_an_unknown_environment_is_not_found(client: APIClient) -> None:
    assert client.get(f"{APPS}{create(client)['id']}/environments/staging/").status_code == 404


SECRET = "s3cret-canary-0815"


def test_a_variables_value_never_comes_back() -> None:
    app = make_app()
    maintainer = api_client(make_member(app.organization, MemberRole.MAINTAINER))
    path = f"{APPS}{app.public_id}/environments/production/"
    answers = [
        maintainer.put(f"{path}variables/API_KEY/", {"value": SECRET, "secret": False}, format="json"),
        maintainer.put(f"{path}variables/API_KEY/", {"value": SECRET + "2"}, format="json"),
        maintainer.put(f"{path}variables/API_KEY/", {"value": SECRET + "\x00"}, format="json"),
        maintainer.put(f"{path}variables/API_KEY/", {"value": SECRET * 500}, format="json"),
        maintainer.put(f"{path}variables/PATH/", {"value": SECRET}, format="json"),
        maintainer.put(f"{path}variables/B/", {"value": SECRET, "sceret": True}, format="json"),
    ]
    release = make_release(app=app)
    answers += [
        maintainer.get(url)
        for url in (
            path,
            f"{APPS}{app.public_id}/",
            f"{APPS}{app.public_id}/timeline/",
            f"/api/v1/releases/{release.pk}/",
        )
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 400, 400, 400, 400, 200, 200, 200, 200]
    assert all(SECRET not in answer.content.decode() for answer in answers)
    assert [(row["name"], row["is_secret"]) for row in answers[6].json()["variables"]] == [("API_KEY", True)]
    assert SECRET not in str(list(AuditEvent.objects.values()))
    assert SECRET in release.variables


def test_values_are_encrypted_at_rest() -> None:
    app = make_app()
    path = f"{APPS}{app.public_id}/environments/production/variables/API_KEY/"
    api_client(owner_of(app.organization)).put(path, {"value": SECRET}, format="json")
    release = make_release(app=app)
    assert SECRET in release.variables
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM tenants_configvariable UNION ALL SELECT variables FROM tenants_release")
        at_rest = [row[0] for row in cursor.fetchall()]
    assert len(at_rest) == 2
    assert all(text.startswith("gAAAA") and SECRET not in text for text in at_rest)


def test_variables_together_fit_the_pipeline(client: APIClient) -> None:
    path = f"{APPS}{create(client)['id']}/environments/test/variables/"
    assert client.put(f"{path}A/", {"value": "x" * 4000}, format="json").status_code == 200
    too_much = client.put(f"{path}B/", {"value": "x" * 2000}, format="json")
    assert too_much.status_code == 400
    assert "6000" in too_much.json()["detail"]
    # The other environment has room of its own, and a replaced value does not count twice.
    assert (
        client.put(f"{path.replace('test', 'production')}B/", {"value": "x" * 2000}, format="json").status_code == 200
    )
    assert client.put(f"{path}A/", {"value": "y" * 4000}, format="json").status_code == 200


def test_removing_a_variable_that_is_not_there_is_a_404(client: APIClient) -> None:
    path = f"{APPS}{create(client)['id']}/environments/test/variables/"
    client.put(f"{path}A/", {"value": "x"}, format="json")
    assert client.delete(f"{path}A/").status_code == 204
    assert client.delete(f"{path}A/").status_code == 404


def test_the_timeline_says_who_did_what_and_where(client: APIClient) -> None:
    app = create(client)["id"]
    client.patch(f"{APPS}{app}/environments/test/", {"pids": 99}, format="json", headers={"X-Request-Id": "mine-0001"})
    latest, first = client.get(f"{APPS}{app}/timeline/").json()["results"]
    assert first["action"] == "app.created"
    assert latest["actor"] == first["actor"] == client.get("/api/v1/me/").json()["username"]
    assert (latest["action"], latest["environment"], latest["release"]) == ("environment.changed", "test", None)
    assert (latest["after"], latest["request_id"]) == ({"pids": 99}, "mine-0001")
    assert "pids = 99" in latest["message"]

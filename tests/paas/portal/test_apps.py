"""The list of apps, an app's page, and making organizations and apps."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from provisioning.models import Operation, Step
from provisioning.operations.choices import OperationState
from provisioning.operations.services import deployment_create
from tenants.apps.choices import AppState
from tenants.apps.services.environments import environment_fallback_set, variable_set
from tenants.models import Organization, PluginApp
from tenants.people.choices import MemberRole
from tenants.releases.choices import ReleaseState
from tests.factories import (
    environment_of,
    make_app,
    make_member,
    make_operator,
    make_organization,
    make_release,
    make_user,
    owner_of,
)
from tests.paas.portal.conftest import Visit

pytestmark = pytest.mark.django_db


def queries(client: Any, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_the_list_shows_my_apps_with_what_is_live(visit: Visit, settings: Any) -> None:
    settings.EDGE_PORT = 8080
    live = make_release(state=ReleaseState.LIVE)
    foreign = make_app(name="Not mine")
    text = visit(owner_of(live.app.organization)).get("/apps/").content.decode()
    assert live.app.public_id in text
    assert f'href="http://{live.app.public_id}.apps.localhost:8080/"' in text
    assert f"release {live.number} is live" in text
    assert foreign.name not in text


def test_the_list_is_searched_and_filtered(visit: Visit) -> None:
    first = make_app(name="Weather")
    second = make_app(name="Calendar", state=AppState.FAILED)
    client = visit(make_operator())
    for query, found in {
        "search=weat": {first},
        f"search={second.public_id}": {second},
        "state=failed": {second},
        f"organization={first.organization.slug}": {first},
        "search=nothing": set(),
        "state=no-state&page=x": {first, second},
        "search=%00": {first, second},
    }.items():
        shown = {app for app, _ in client.get(f"/apps/?{query}").context["apps"]}
        assert shown == found, query


def test_a_long_list_comes_in_pages_that_keep_the_filter(visit: Visit) -> None:
    organization = make_organization()
    for _ in range(26):
        make_app(organization=organization)
    client = visit(owner_of(organization))
    first = client.get("/apps/?state=active")
    assert len(first.context["apps"]) == 25
    assert "?state=active&amp;page=2" in first.content.decode()
    assert len(client.get("/apps/?state=active&page=2").context["apps"]) == 1
    assert len(client.get("/apps/?page=99").context["apps"]) == 1


def test_more_apps_take_no_more_queries(visit: Visit) -> None:
    release = make_release(state=ReleaseState.LIVE)
    client = visit(owner_of(release.app.organization))
    client.get("/apps/")
    one = queries(client, "/apps/")
    for _ in range(4):
        make_release(app=make_app(organization=release.app.organization), state=ReleaseState.LIVE)
    assert queries(client, "/apps/") == one


def test_a_longer_history_takes_no_more_queries(visit: Visit) -> None:
    app = make_app()
    client = visit(owner_of(app.organization))
    paths = [f"/apps/{app.public_id}/{rest}" for rest in ("", "progress/", "releases/", "deployments/", "timeline/")]

    def one_more() -> None:
        release = make_release(app=app, state=ReleaseState.LIVE)
        deployment = deployment_create(release=release, requested_by=owner_of(app.organization))
        for position in range(3):
            Step.objects.create(operation=deployment, position=position, name=f"ensure_{position}")
        Operation.objects.update(state=OperationState.SUCCEEDED)

    one_more()
    for path in paths:
        client.get(path)
    before = [queries(client, path) for path in paths]
    for _ in range(3):
        one_more()
    assert [queries(client, path) for path in paths] == before


def test_the_page_of_an_app_shows_all_of_it(visit: Visit) -> None:
    release = make_release(state=ReleaseState.LIVE)
    app, owner = release.app, owner_of(release.app.organization)
    variable_set(environment=environment_of(app), name="API_KEY", value="hush-hush", is_secret=True, actor=owner)
    deployment = deployment_create(release=release, requested_by=owner)
    Step.objects.create(
        operation=deployment, position=0, name="ensure_pipeline", state="failed", attempts=3, output="said", error="why"
    )
    text = visit(owner).get(f"/apps/{app.public_id}/").content.decode()
    for part in (
        app.repository_http_url, "API_KEY", "256 MiB", "0.5 of a core", release.commit_sha[:12], "ensure pipeline",
        "3 attempts", "said", "why", f"release {release.number} is live",
    ):  # fmt: skip
        assert part in text, part
    assert "hush-hush" not in text


def test_an_environment_that_falls_back_to_the_host_says_what_that_gives_up(visit: Visit) -> None:
    for stack, part in (("php", "no seccomp profile"), ("static", "no container stands between")):
        app = make_app(stack=stack)
        page = f"/apps/{app.public_id}/"
        client = visit(owner_of(app.organization))
        before = client.get(page).content.decode()
        assert "standby containers" in before
        assert part not in before
        environment_fallback_set(environment=environment_of(app), fallback="host", actor=make_operator())
        text = client.get(page).content.decode()
        assert "the host itself, outside of containers" in text
        assert text.count(part) == 1


def test_what_is_under_way_is_looked_at_again_until_it_has_ended(visit: Visit) -> None:
    release = make_release(state=ReleaseState.DEPLOYING)
    deployment = deployment_create(release=release, requested_by=None)
    assert deployment is not None
    client = visit(owner_of(release.app.organization))
    pages = [f"/apps/{release.app.public_id}/", f"/deployments/{deployment.pk}/"]
    for path in pages:
        text = client.get(path).content.decode()
        assert f'data-refresh="{path}progress/"' in text
        assert '<noscript><meta http-equiv="refresh"' in text
        assert 'data-progress="busy"' in client.get(f"{path}progress/").content.decode()
    Operation.objects.update(state=OperationState.SUCCEEDED)
    for path in pages:
        assert "data-refresh" not in client.get(path).content.decode()
        assert 'data-progress="done"' in client.get(f"{path}progress/").content.decode()


def test_a_failed_app_says_why(visit: Visit) -> None:
    app = make_app(state=AppState.FAILED)
    text = visit(owner_of(app.organization)).get(f"/apps/{app.public_id}/").content.decode()
    assert "the forge is down: the operator must start it" in text
    assert "Ask for a release" not in text


def test_an_organization_is_made_and_its_owner_goes_on_to_an_app(visit: Visit) -> None:
    client = visit(make_user())
    answer = client.post("/organizations/new/", {"name": "Acme", "slug": "acme"})
    assert answer["Location"] == "/apps/new/?organization=acme"
    assert client.get(answer["Location"]).context["form"].initial["organization"] == "acme"


def test_a_refused_organization_keeps_what_was_typed(visit: Visit) -> None:
    make_organization(slug="acme")
    client = visit(make_user())
    taken = client.post("/organizations/new/", {"name": "My company", "slug": "acme"})
    assert taken.status_code == 409
    assert taken.context["form"].errors == {"slug": ["Is in use: choose another"]}
    assert 'value="My company"' in taken.content.decode()
    bad = client.post("/organizations/new/", {"name": " x", "slug": "-"})
    assert (bad.status_code, set(bad.context["form"].errors)) == (400, {"name", "slug"})


NEW_APP = {"name": "Weather", "slug": "weather", "stack": "php"}


def test_an_app_is_made(visit: Visit) -> None:
    organization = make_organization()
    client = visit(owner_of(organization))
    answer = client.post("/apps/new/", NEW_APP | {"organization": organization.slug})
    app = PluginApp.objects.get()
    assert answer["Location"] == f"/apps/{app.public_id}/"
    assert (app.name, app.slug, app.stack, app.organization) == ("Weather", "weather", "php", organization)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"), ({"name": "a\u202eb"}, "name"), ({"slug": "../x"}, "slug"), ({"slug": "admin"}, "slug"),
        ({"stack": "perl"}, "stack"), ({"organization": "not-there"}, "organization"),
    ],
)  # fmt: skip
def test_a_refused_app_names_the_field_and_keeps_the_rest(visit: Visit, change: dict[str, str], field: str) -> None:
    organization = make_organization()
    sent = NEW_APP | {"organization": organization.slug} | change
    answer = visit(owner_of(organization)).post("/apps/new/", sent)
    assert answer.status_code == 400
    assert set(answer.context["form"].errors) == {field}
    assert {name: answer.context["form"][name].value() for name in sent} == sent
    assert not PluginApp.objects.exists()


def test_a_developer_is_refused_with_the_reason(visit: Visit) -> None:
    organization = make_organization()
    developer = visit(make_member(organization, MemberRole.DEVELOPER))
    assert "Ask an owner of yours" in developer.get("/apps/new/").content.decode()
    answer = developer.post("/apps/new/", NEW_APP | {"organization": organization.slug})
    assert answer.status_code == 403
    assert f"ask an owner of {organization}" in str(answer.context["form"].non_field_errors())
    assert not PluginApp.objects.exists()


def test_another_tenants_organization_is_none(visit: Visit) -> None:
    foreign = make_organization()
    answer = visit(make_user()).post("/apps/new/", NEW_APP | {"organization": foreign.slug})
    assert (answer.status_code, set(answer.context["form"].errors)) == (400, {"organization"})
    assert Organization.objects.count() == 1

"""A list whose rows are seen for several reasons is the same list, however it is asked: all of it, a page, a number."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.test.utils import CaptureQueriesContext

from tenants import access
from tenants.access import querying
from tenants.models import Environment, Organization, PluginApp, PluginAppUserObjectPermission, User
from tests.factories import make_app, make_member, make_organization, owner_of

pytestmark = pytest.mark.django_db
Apps = QuerySet[PluginApp]
ASKED: dict[str, Callable[[Apps], Apps]] = {
    "as it is": lambda apps: apps,
    "in another order": lambda apps: apps.order_by("organization__slug", "-slug"),
    "reversed": lambda apps: apps.reverse(),
    "filtered": lambda apps: apps.filter(slug__gte="b"),
    "without some": lambda apps: apps.exclude(organization__slug="acme"),
    "with nothing left": lambda apps: apps.filter(pk__in=[]),
    "joined": lambda apps: apps.filter(environments__name__in=["test", "production"]),
    "joined, each once": lambda apps: apps.filter(environments__name__in=["test", "production"]).distinct(),
    "annotated": lambda apps: apps.annotate(size=Count("environments")).filter(size__gt=1).order_by("pk"),
    "annotated with a place": lambda apps: apps.annotate(place=Window(RowNumber(), order_by="pk")).filter(place__lte=4),
    "related": lambda apps: apps.select_related("organization", "created_by"),
    "or one's own": lambda apps: apps | PluginApp.objects.filter(slug="x2"),
    "and the first ones": lambda apps: apps & PluginApp.objects.filter(slug__lt="b"),
    "restricted twice": lambda apps: access.restrict(apps, _developer(), "app.view"),
}


@pytest.fixture(params=["by id", "in order"])
def shown(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Apps:
    """What a developer sees who was granted apps too, one of them an app of the own organization: a1 to a4, x0 and x1.
    Pages are found in either way.
    """
    monkeypatch.setattr(querying, "FEW", 1_000 if request.param == "by id" else 0)
    acme, other = make_organization(slug="acme"), make_organization(slug="other")
    apps = [make_app(organization=acme, slug=f"a{number}") for number in range(1, 5)]
    apps += [make_app(organization=other, slug=f"x{number}") for number in range(4)]
    user = make_member(acme)
    view = Permission.objects.get(codename="view_pluginapp", content_type__app_label="tenants")
    for app in (apps[2], apps[4], apps[5]):
        PluginAppUserObjectPermission.objects.create(user=user, permission=view, content_object=app)
    assert user == _developer()
    return access.restrict(PluginApp.objects.all(), user, "app.view")


@pytest.mark.parametrize("asked", ASKED)
def test_pages_and_number_are_those_of_the_whole(shown: Apps, asked: str) -> None:
    rows = ASKED[asked](shown)
    # Of a copy: what has been read once is not asked for again.
    whole = list(rows.all())
    assert rows.count() == len(whole)
    assert [*rows[:2], *rows[2:5], *rows[5:20]] == whole
    assert rows[1:4].count() == len(whole[1:4])
    assert rows.exists() is bool(whole)
    assert set(PluginApp.objects.filter(pk__in=rows.order_by().values("pk"))) == set(whole)


def test_what_is_seen_for_two_reasons_is_seen_and_counted_once(shown: Apps) -> None:
    assert [app.slug for app in shown.order_by("slug")[:10]] == ["a1", "a2", "a3", "a4", "x0", "x1"]
    assert shown.count() == 6


def test_a_number_takes_one_query_and_a_page_no_more_than_two(shown: Apps) -> None:
    assert _queries(lambda: shown.count()) == 1
    assert _queries(lambda: list(shown[:3])) <= 2
    assert _queries(lambda: list(shown.all())) == 1
    assert _queries(lambda: shown.get(slug="a1")) == 1
    assert _queries(lambda: shown.first()) == 1


def test_what_was_cut_already_is_not_restricted_any_more(shown: Apps) -> None:
    for cut in (PluginApp.objects.all()[:2], PluginApp.objects.filter(slug="a1")[:2]):
        with pytest.raises(TypeError):
            access.restrict(cut, _developer(), "app.view")


def test_a_change_of_all_that_is_seen_leaves_the_rest_alone(shown: Apps) -> None:
    assert shown.update(name="seen", error=F("slug")) == 6
    assert set(PluginApp.objects.exclude(name="seen").values_list("slug", flat=True)) == {"x2", "x3"}


def test_what_belongs_to_the_rows_of_a_page_is_found_through_it(shown: Apps) -> None:
    page: Any = shown.order_by("slug")[:3]
    found = Environment.objects.filter(app__in=page.values("pk"), name="test")
    assert {environment.app.slug for environment in found} == {"a1", "a2", "a3"}


def test_who_sees_more_than_few_rows_gets_the_same_page(shown: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = []
    for few in (2, 5, 6, 7, 1_000):
        monkeypatch.setattr(querying, "FEW", few)
        pages.append(list(shown.order_by("slug")[1:5]))
    assert all(page == pages[0] for page in pages)


def _developer() -> User:
    organization = Organization.objects.get(slug="acme")
    return User.objects.exclude(pk=owner_of(organization).pk).get(memberships__organization=organization)


def _queries(ask: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        ask()
    return len(queries)

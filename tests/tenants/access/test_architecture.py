"""No view and no service reaches a tenant's rows but through the policies; each exemption has a reason.

The source is read, so that what is written tomorrow is held to it, too. Toy modules show that it can be broken.
"""

import textwrap

import pytest

from tests.tenants.access.architecture import exempt
from tests.tenants.access.architecture.services import Services
from tests.tenants.access.architecture.source import Module, modules
from tests.tenants.access.architecture.views import Guard

VIEWS = [
    *modules("tenants", inside=("api", "rest")),
    *modules("provisioning", inside=("api",)),
    *modules("paas.api", "paas.portal"),
]
VIEWS = [view for view in VIEWS if not view.name.startswith(("provisioning.embedded_forge.", "tenants.rest.services"))]
SERVICES = Services(
    module
    for module in modules("tenants", "provisioning", inside=("services",))
    if not module.name.startswith("tenants.audit.services.trail")
)


def test_views_reach_rows_through_the_policies_alone() -> None:
    found = Guard(VIEWS).reaches()
    assert [str(reach) for reach in found if reach.place not in exempt.VIEWS] == []
    assert {reach.place for reach in found} == set(exempt.VIEWS), "take out what needs no exemption any more"


def test_services_ask_the_policies_about_who_acts() -> None:
    assert SERVICES.that_ask_nothing() == set(exempt.SERVICES)


def test_views_call_no_service_that_is_the_platforms_own() -> None:
    assert SERVICES.without_actor_in(VIEWS) == set(exempt.CALLED)


def test_every_exemption_has_a_reason() -> None:
    for reason in (*exempt.VIEWS.values(), *exempt.SERVICES.values(), *exempt.CALLED.values()):
        assert len(reason.split()) > 2


TOY = """
    from django.db import connection
    from django.shortcuts import get_object_or_404
    from tenants import access
    from tenants.access.finding import again, get_app, get_visible
    from tenants.models import Organization, PluginApp
    from tenants.access import rows

    def toy(request, pk):
        {line}
"""


def reached(line: str, before: str = "") -> list[str]:
    module = Module.of("toys.views", textwrap.dedent(before) + textwrap.dedent(TOY).format(line=line))
    return [reach.place for reach in Guard([module]).reaches()]


@pytest.mark.parametrize(
    "line",
    [
        "return PluginApp.objects.get(pk=pk)",
        "return PluginApp._base_manager.filter(pk=pk).first()",
        "return rows.apps().filter(pk=pk)[0]",
        "return get_object_or_404(PluginApp, pk=pk)",
        "return get_app(request, pk).organization.memberships.filter(role='owner')",
        "return [app.name for app in request.user.organizations.get().apps.all()]",
        "found = rows.apps(); found = found.filter(pk=pk); return found.first()",
        "found = rows.apps(); seen = access.restrict(found, request.user, 'app.view'); return found.get(pk=pk)",
        "found = rows.apps().get(pk=pk); name = found.name; return name",
        "return again(rows.apps(), PluginApp(pk=pk))",
        "return connection.cursor().execute('SELECT 1')",
        "return (lambda: PluginApp.objects.count())()",
    ],
)
def test_a_view_that_goes_around_the_policies_is_found(line: str) -> None:
    assert set(reached(line)) == {"toys.views.toy"}


@pytest.mark.parametrize(
    "line",
    [
        "return access.restrict(PluginApp.objects.all(), request.user, 'app.view')",
        "found = rows.apps(); found = found.filter(pk=pk); return access.restrict(found, request.user, 'app.view')",
        "return get_visible(rows.apps(), user=request.user, action='app.view', pk=pk)",
        "row = get_app(request, pk); return again(rows.apps(), row)",
        "return PluginApp.objects.none()",
        "return access.may(request.user, 'app.create', PluginApp(organization=pk))",
        "return isinstance(pk, Organization)",
    ],
)
def test_a_view_that_asks_the_policies_is_not(line: str) -> None:
    assert reached(line) == []


def test_a_function_that_hands_out_rows_is_watched_where_it_is_called() -> None:
    before = """
        from tenants.models import PluginApp

        def living() -> "QuerySet[PluginApp]":
            return PluginApp.objects.exclude(state="retired")
    """
    assert reached("return living().get(pk=pk)", before) == ["toys.views.toy"]
    assert reached("return access.restrict(living(), request.user, 'app.view')", before) == []


def test_rows_of_a_class_are_found() -> None:
    module = Module.of(
        "toys.views",
        "from tenants.models import PluginApp\nclass Toy:\n    queryset = PluginApp.objects.all()\n",
    )
    assert [str(reach) for reach in Guard([module]).reaches()] == ["toys.views: queryset = PluginApp.objects.all()"]


SERVICE = """
    from functools import partial
    from tenants import access

    def toy_asks(*, toy, actor):
        _do(toy, actor)

    def toy_changes(*, toy, actor):
        with access.changing(actor, "app.change", toy):
            toy.save()

    def toy_forgets(*, toy, actor):
        toy.delete()

    def toy_made(*, toy):
        toy.save()

    def _do(toy, actor):
        run(partial(access.require, actor, "app.change"), toy)
"""


def test_a_service_that_forgets_to_ask_is_found() -> None:
    services = Services([Module.of("toys.services", textwrap.dedent(SERVICE))])
    assert services.that_ask_nothing() == {"toys.services.toy_forgets"}


def test_a_view_that_calls_a_service_of_the_platforms_own_is_found() -> None:
    services = Services([Module.of("toys.services", textwrap.dedent(SERVICE))])
    view = Module.of("toys.views", "from toys import services\ndef toy(request):\n    services.toy_made(toy=1)\n")
    assert services.without_actor_in([view]) == {"toys.services.toy_made"}
    assert services.without_actor_in([Module.of("toys.views", "from toys.services import toy_changes")]) == set()

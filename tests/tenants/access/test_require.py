"""What services ask before they write: the row as the database has it, or as it would be; before a change and after."""

from typing import Any

import pytest
from django.db import transaction

from tenants.access import Subject, changing, decide, evaluation, may_ever, require, restrict
from tenants.access.evaluation import PolicySet, compiled
from tenants.apps.choices import AppState
from tenants.audit import request_context
from tenants.audit.request_context import Authentication
from tenants.exceptions import InsufficientScope, NotPermitted
from tenants.models import AccessPolicy, Organization, PluginApp
from tests.factories import make_app, make_operator, make_user, owner_of

pytestmark = pytest.mark.django_db
ALL = {"match_all": True}


def allow(**fields: Any) -> Any:
    """A scope in which there is this one policy."""
    said = {"effect": "allow", "resource_type": "app", "actions": ["app.change"], "subject": ALL, "resource": ALL}
    return evaluation(PolicySet.of([compiled(AccessPolicy(name="the one", context=ALL, **said | fields))]))  # type: ignore[list-item]


def test_a_saved_row_is_judged_as_the_database_has_it() -> None:
    app, user = make_app(state=AppState.ACTIVE), make_user()
    with allow(resource={"state": "active"}):
        app.state = AppState.RETIRED
        require(user, "app.change", app)
        PluginApp.objects.filter(pk=app.pk).update(state=AppState.FAILED)
        app.state = AppState.ACTIVE
        with pytest.raises(NotPermitted):
            require(user, "app.change", app)


def test_a_row_that_is_gone_is_refused() -> None:
    organization = Organization.objects.create(name="Gone", slug="gone")
    Organization.objects.filter(pk=organization.pk).delete()
    with (
        allow(resource_type="organization", actions=["organization.view"]),
        pytest.raises(NotPermitted, match="it is gone"),
    ):
        require(make_user(), "organization.view", organization)


@pytest.mark.parametrize("pk", [None, 1])
def test_a_row_that_is_not_saved_is_judged_by_the_values_it_would_have(pk: int | None) -> None:
    owner = owner_of(make_app().organization)
    organization = owner.organizations.get()
    with allow(actions=["app.create"], resource={"stack": "static", "organization__in": "$subject.organizations"}):
        require(owner, "app.create", PluginApp(pk=pk, organization=organization, stack="static"))
        with pytest.raises(NotPermitted):
            require(owner, "app.create", PluginApp(pk=pk, organization=organization, stack="php"))
        with pytest.raises(NotPermitted):
            require(owner, "app.create", PluginApp(pk=pk, organization=make_app().organization, stack="static"))


def test_what_allowed_it_is_noted_for_the_trail_and_what_refused_it_goes_with_the_refusal() -> None:
    app, user = make_app(), make_user()
    with allow():
        require(user, "app.change", app)
    noted = request_context.decision.get()
    assert noted is not None
    assert (noted.is_allowed, noted.policy, noted.action, noted.actor_id) == (True, "the one", "app.change", user.pk)
    deny = {"effect": "deny", "description": "not today: come back tomorrow", "code": "closed"}
    with allow(**deny), pytest.raises(NotPermitted, match="not today: come back tomorrow") as refused:
        require(user, "app.change", app)
    assert refused.value.code == "closed"
    assert refused.value.decision is not None
    assert (refused.value.decision.is_allowed, refused.value.decision.policy) == (False, "the one")


def test_a_scope_that_is_missing_is_another_refusal() -> None:
    app = make_app()
    subject = Subject(make_user(), Authentication(method="token", scopes=frozenset({"review"})))
    with allow(), pytest.raises(InsufficientScope, match="scope deploy"):
        require(subject, "app.change", app)


def test_a_change_must_be_allowed_before_it() -> None:
    app, user, changed = make_app(state=AppState.FAILED), make_user(), []
    with allow(resource={"state": "active"}), pytest.raises(NotPermitted), changing(user, "app.change", app):
        changed.append(True)
    assert changed == []


def test_a_change_must_be_allowed_after_it_and_is_taken_back_otherwise() -> None:
    app, user = make_app(state=AppState.ACTIVE), make_user()
    with allow(resource={"state": "active"}):
        with transaction.atomic(), changing(user, "app.change", app):
            PluginApp.objects.filter(pk=app.pk).update(name="Allowed")
        with pytest.raises(NotPermitted), transaction.atomic(), changing(user, "app.change", app):
            PluginApp.objects.filter(pk=app.pk).update(name="Refused", state=AppState.RETIRED)
    app.refresh_from_db()
    assert (app.name, app.state) == ("Allowed", AppState.ACTIVE)


def test_a_question_about_rows_of_another_type_is_a_mistake() -> None:
    app, user = make_app(), make_user()
    with pytest.raises(TypeError, match="release rows"):
        decide(user, "release.view", app)
    with pytest.raises(TypeError, match="release rows"):
        restrict(PluginApp.objects.all(), user, "release.view")
    for ask in (lambda: decide(user, "app.destroy", app), lambda: may_ever(user, "app.destroy")):
        with pytest.raises(KeyError):
            ask()


def test_whom_nothing_allows_learns_whom_to_ask() -> None:
    app, user = make_app(), make_user()
    with allow(subject=[{"role__in": ["owner", "maintainer"]}, {"username": "ada"}]):
        assert f"ask an owner of {app.organization}" in decide(user, "app.change", app).reason
    with allow(subject={"platform_roles__overlaps": ["reviewer", "auditor"]}):
        assert "the platform role auditor or reviewer, ask an operator" in decide(user, "app.change", app).reason
    with allow(subject={"username": "ada"}):
        assert decide(user, "app.change", app).reason == "no policy allows you app.change here: ask an operator"


def test_what_may_ever_be_allowed_depends_on_who_asks_and_not_on_the_rows() -> None:
    operator, user = make_operator(), make_user()
    with allow(subject={"platform_roles__contains": "operator"}, resource={"slug": "no-such"}):
        assert may_ever(operator, "app.change")
        assert not may_ever(user, "app.change")
    with allow(effect="deny"):
        assert not may_ever(operator, "app.change")

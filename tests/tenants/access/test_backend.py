"""Django's `user.has_perm` says what the policies say, in their names for an action and in Django's."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission

from tenants.models import Release, User
from tenants.people.choices import MemberRole
from tenants.policies.services.grants import app_grant_create
from tenants.releases.choices import ReleaseState
from tests.factories import make_app, make_member, make_release, make_reviewer, make_user, owner_of

pytestmark = pytest.mark.django_db
NAMES = pytest.mark.parametrize("name", ["release.approve", "tenants.approve_release"])


@pytest.fixture
def release() -> Release:
    return make_release(state=ReleaseState.AWAITING_REVIEW)


def again(user: User) -> User:
    """Without what Django remembers of their permissions."""
    return User.objects.get(pk=user.pk)


@NAMES
def test_who_may_decide_on_a_release_has_the_permission_on_it(release: Release, name: str) -> None:
    assert make_reviewer().has_perm(name, release)
    assert not make_user().has_perm(name, release)
    assert not owner_of(release.app.organization).has_perm(name, release)


@NAMES
def test_without_a_row_it_is_whether_there_could_be_one(name: str) -> None:
    assert make_reviewer().has_perm(name)
    assert not make_user().has_perm(name)


@NAMES
def test_separation_of_duty_holds_for_a_superuser_too(release: Release, name: str) -> None:
    superuser = make_user(is_superuser=True)
    assert superuser.has_perm(name, release)
    make_member(release.app.organization, MemberRole.DEVELOPER, superuser)
    assert not again(superuser).has_perm(name, release)


def test_the_inactive_and_the_anonymous_have_none(release: Release) -> None:
    gone = make_reviewer(is_active=False)
    for who in (gone, AnonymousUser()):
        assert not who.has_perm("release.approve", release)
        assert not who.has_perm("release.approve")


def test_of_a_row_of_another_kind_there_is_none(release: Release) -> None:
    assert not make_reviewer().has_perm("release.approve", release.app)


@pytest.mark.parametrize("name", ["app.view", "tenants.view_app", "tenants.view_pluginapp"])
def test_an_explicit_grant_counts(name: str) -> None:
    app, guest = make_app(), make_user()
    assert not guest.has_perm(name, app)
    app_grant_create(app=app, username=guest.username, permission="view_pluginapp", actor=owner_of(app.organization))
    assert again(guest).has_perm(name, app)
    assert not again(guest).has_perm(name, make_app())


@pytest.mark.parametrize("row", [True, False])
def test_what_policies_refuse_comes_from_nowhere_else(release: Release, row: bool) -> None:
    user = make_user()
    user.user_permissions.add(Permission.objects.get(content_type__app_label="tenants", codename="view_release"))
    arguments: tuple[Any, ...] = (release,) if row else ()
    assert not again(user).has_perm("tenants.view_release", *arguments)


def test_what_policies_do_not_speak_of_is_left_to_others() -> None:
    user = make_user()
    user.user_permissions.add(Permission.objects.get(content_type__app_label="auth", codename="view_group"))
    assert again(user).has_perm("auth.view_group")
    for unknown in ("tenants.fly_release", "release.fly", "auth.add_group", "nonsense"):
        assert not again(user).has_perm(unknown)
        assert not make_reviewer().has_perm(unknown)

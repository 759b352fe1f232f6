"""Explicit grants on one app or one release to one person, beside what memberships and roles allow."""

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction

from tenants import access, validators
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import AlreadyExists, InvalidInput
from tenants.people.models.user import User
from tenants.people.selectors.users import person_named
from tenants.people.services.memberships import lock
from tenants.policies.models.grants import PluginAppUserObjectPermission, ReleaseUserObjectPermission
from tenants.releases.models.release import Release

Grant = PluginAppUserObjectPermission | ReleaseUserObjectPermission
APP_PERMISSIONS = ("view_pluginapp", "change_pluginapp", "submit_release", "read_logs")
RELEASE_PERMISSIONS = ("view_release",)


@unit_of_work
def app_grant_create(*, app: PluginApp, username: str, permission: str, actor: User) -> PluginAppUserObjectPermission:
    """Lets a person do one of `APP_PERMISSIONS` with the app. Raises `InvalidInput`, `AlreadyExists`."""
    lock(app.organization)
    grant = PluginAppUserObjectPermission(
        content_object=app,
        user=person_named(username),
        permission=_permission(PluginApp, permission, APP_PERMISSIONS),
        granted_by=actor,
    )
    _create(grant, permission=permission, allowed=APP_PERMISSIONS, actor=actor)
    return grant


@unit_of_work
def release_grant_create(
    *, release: Release, username: str, permission: str, actor: User
) -> ReleaseUserObjectPermission:
    """Lets a person do one of `RELEASE_PERMISSIONS` with the release. Raises `InvalidInput`, `AlreadyExists`."""
    lock(release.app.organization)
    grant = ReleaseUserObjectPermission(
        content_object=release,
        user=person_named(username),
        permission=_permission(Release, permission, RELEASE_PERMISSIONS),
        granted_by=actor,
    )
    _create(grant, permission=permission, allowed=RELEASE_PERMISSIONS, actor=actor)
    return grant


@unit_of_work
def grant_revoke(*, grant: Grant, actor: User) -> None:
    """Takes a grant back, at once."""
    access.require(actor, f"{_kind(grant)}.revoke", grant)
    _record("revoked", grant, actor, before=_described(grant), after={})
    type(grant)._base_manager.filter(pk=grant.pk).delete()
    access.people_changed()


def _create(grant: Grant, *, permission: str, allowed: tuple[str, ...], actor: User) -> None:
    access.require(actor, f"{_kind(grant)}.create", grant)
    validators.together(
        lambda: _refuse_no_person(grant.user if grant.user_id else None),
        lambda: _refuse_unknown(permission, allowed),
    )
    try:
        with transaction.atomic():
            grant.save(force_insert=True)
    except IntegrityError:
        raise AlreadyExists(
            f"username: {grant.user} has {permission} on {grant.content_object} already",
            errors={"username": ["has this permission already"]},
        ) from None
    access.people_changed()
    _record("created", grant, actor, before={}, after=_described(grant))


def _permission(model: type[PluginApp | Release], codename: str, allowed: tuple[str, ...]) -> Permission | None:
    if codename not in allowed:
        return None
    return Permission.objects.get(content_type=ContentType.objects.get_for_model(model), codename=codename)


def _refuse_no_person(user: User | None) -> None:
    if user is None or user.is_service_account:
        raise InvalidInput.field("username", "is nobody's: name an existing person")


def _refuse_unknown(permission: str, allowed: tuple[str, ...]) -> None:
    if permission not in allowed:
        raise InvalidInput.field("permission", f"is none of {', '.join(allowed)}: use one of these")


def _kind(grant: Grant) -> str:
    return "app_grant" if isinstance(grant, PluginAppUserObjectPermission) else "release_grant"


def _described(grant: Grant) -> dict[str, str]:
    return {
        "username": grant.user.username,
        "permission": grant.permission.codename,
        "on": str(grant.content_object),
    }


def _record(what: str, grant: Grant, actor: User, *, before: dict[str, str], after: dict[str, str]) -> None:
    described = _described(grant)
    target = grant.content_object
    audit_record(
        action=f"{_kind(grant)}.{what}",
        message=f"{described['permission']} on {described['on']} for {described['username']} {what}",
        actor=actor,
        app=target if isinstance(target, PluginApp) else None,
        release=target if isinstance(target, Release) else None,
        obj=grant,
        before=before,
        after=after,
        data=described,
    )

"""The only place that decides who may do what.

One evaluation answers both "which rows?" and "may this user?": `may` asks `restrict` about one row. Members hold
django-guardian object permissions on their organization, given by role (`roles`); reviewers and operators hold platform
roles; a superuser counts as both. Attribute policies can take the place of what is behind these three functions.
"""

from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet
from guardian.shortcuts import get_objects_for_user

from tenants.access.own_release import reason_it_is_own, without_own
from tenants.access.rules import RULES
from tenants.exceptions import NotPermitted, OwnRelease
from tenants.models import Organization, PluginApp, Release, User

__all__ = ["may", "may_platform", "require", "restrict"]

Row = TypeVar("Row", bound=Model)


def restrict(queryset: QuerySet[Row], *, user: Any, action: str) -> QuerySet[Row]:
    """The rows of `queryset` on which `user` may do `action`; none for who is anonymous or inactive.

    Takes organizations, and models that lead to one through `organization`, `app` or `environment`; for rows that
    belong to no organization (hosts) only the platform role counts. Raises `KeyError` for an unknown action.
    """
    rule = RULES[action]
    if not _signed_in(user):
        return queryset.none()
    if rule.platform & _platform_roles(user):
        if action == "release.review":
            return without_own(queryset, user=user)  # type: ignore[arg-type, return-value]
        return queryset
    path = _path_to_organization(queryset.model)
    if not rule.member or path is None:
        return queryset.none()
    organizations = get_objects_for_user(
        user, rule.member, Organization, use_groups=False, with_superuser=False, accept_global_perms=False
    )
    return queryset.filter(**{f"{path}__in": organizations.order_by().values("pk")})


def may(*, user: Any, action: str, obj: Model) -> bool:
    """Whether `user` may do `action` on `obj`, a saved row."""
    return restrict(type(obj)._base_manager.filter(pk=obj.pk), user=user, action=action).exists()


def may_platform(*, user: Any, action: str) -> bool:
    """Whether `user` may do `action` by a platform role alone: for actions without a row, such as seeing hosts."""
    return _signed_in(user) and bool(RULES[action].platform & _platform_roles(user))


def require(*, user: Any, action: str, obj: Model) -> None:
    """Raises `NotPermitted`, and `OwnRelease` with the reason where a reviewer would decide on their own."""
    if may(user=user, action=action, obj=obj):
        return
    if action == "release.review" and isinstance(obj, Release) and may_platform(user=user, action=action):
        raise OwnRelease(reason_it_is_own(obj, user=user) or "this release is yours: somebody else must decide on it")
    raise NotPermitted(f"your role does not allow {action} here: {_remedy(action, obj)}")


def _remedy(action: str, obj: Model) -> str:
    if not RULES[action].member:
        return f"it takes the platform role {' or '.join(sorted(RULES[action].platform))}"
    path = _path_to_organization(type(obj))
    organization: Any = obj
    for step in [] if path in (None, "pk") else str(path).split("__"):
        organization = getattr(organization, step)
    return f"ask an owner of {organization}"


def _signed_in(user: Any) -> bool:
    return not isinstance(user, AnonymousUser) and user is not None and user.is_active


def _platform_roles(user: User) -> set[str]:
    return {"reviewer", "operator"} if user.is_superuser else set(user.roles)


def _path_to_organization(model: type[Model]) -> str | None:
    if issubclass(model, Organization):
        return "pk"
    if issubclass(model, PluginApp):
        return "organization"
    names = {field.name for field in model._meta.get_fields() if field.many_to_one}
    for name, path in (
        ("organization", "organization"),
        ("app", "app__organization"),
        ("environment", "environment__app__organization"),
    ):
        if name in names:
            return path
    return None

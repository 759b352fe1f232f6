"""Django's `user.has_perm`, answered by the policies."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest

from tenants import access
from tenants.policies.resources import ACTIONS, RESOURCE_TYPES


class PolicyBackend:
    """`user.has_perm("release.approve", release)`, or as Django names it: `"tenants.approve_release"`.

    With a row: `access.may`; without: whether there could be a row, `access.may_ever`. A permission that no policy can
    speak of is left to other backends; of one that policies refuse, none is asked any more. It signs nobody in.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        return None

    def has_perm(self, user: Any, permission: str, row: Model | None = None) -> bool:
        """Raises `PermissionDenied` for what the policies refuse, which Django turns into False for who asked."""
        action = permission if permission in ACTIONS else _actions_by_permission().get(permission)
        if action is None or (row is not None and not isinstance(row, ACTIONS[action].model)):
            return False
        if access.may_ever(user, action) if row is None else access.may(user, action, row):
            return True
        raise PermissionDenied


@cache
def _actions_by_permission() -> Mapping[str, str]:
    """`tenants.approve_release`; where the model has a name of its own, `tenants.view_pluginapp` beside `view_app`."""
    named: dict[str, str] = {}
    for resource_type in RESOURCE_TYPES.values():
        options = resource_type.model._meta
        for action in resource_type.actions:
            kind, _, verb = action.partition(".")
            named[f"{options.app_label}.{verb}_{kind}"] = action
            # Service accounts are users, too: the type that was registered first has the model's name.
            named.setdefault(f"{options.app_label}.{verb}_{options.model_name}", action)
    return named

"""Who may call a method of a view at all; which rows they then find is for `access.restrict`.

Each view says with `access_actions` what its methods do: `{"GET": "app.view", "POST": "app.create"}`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants import access
from tenants.audit.request_context import authentication
from tenants.exceptions import InsufficientScope, NotPermitted
from tenants.people.choices import TokenScope


@dataclass(frozen=True)
class OwnAffair:
    """Declared instead of an action where no policy is asked. `reason` says why not.

    A token must have `scope` nevertheless; None: the call takes no token.
    """

    reason: str
    scope: TokenScope | None = TokenScope.READ


Declared = str | OwnAffair


class PolicyPermission(BasePermission):
    """Refuses the anonymous, and a token that is not for what the method does, before anything is looked up.

    A method that declares nothing is a fault of the view, and answers nobody.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        # OPTIONS tells of the view alone, and asks this on behalf of its other methods.
        if request._request.method == "OPTIONS" or not _has_method(view, request.method):
            return True
        declared = declared_by(view, request.method)
        if isinstance(declared, str):
            access.require_scope(request.user, declared)
        elif declared.scope is not None:
            _require_held(declared.scope)
        return True

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        declared = declared_by(view, request.method)
        if isinstance(declared, str) and not (decision := access.decide(request.user, declared, obj)):
            raise NotPermitted(decision.reason, code=decision.code)
        return True


def declared_by(view: Any, method: str | None) -> Declared:
    """What `view` declares for `method`. Raises `ImproperlyConfigured` where that is nothing."""
    declared: Mapping[str, Declared] = getattr(view, "access_actions", {})
    found = declared.get("GET" if method == "HEAD" else method or "")
    if found is None:
        raise ImproperlyConfigured(f"{type(view).__name__} declares no access_actions for {method}")
    return found


def _has_method(view: Any, method: str | None) -> bool:
    # Any other is answered with 405, which is no secret.
    name = (method or "").lower()
    return name in view.http_method_names and (hasattr(view, name) or (name == "head" and hasattr(view, "get")))


def _require_held(scope: TokenScope) -> None:
    held = authentication.get().scopes
    if held is None or scope in held or (scope == TokenScope.READ and held):
        return
    raise InsufficientScope(f"the token lacks the scope {scope}, which this takes: use a token that has it")

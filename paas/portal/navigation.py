"""What the pages' navigation shows."""

from functools import partial
from typing import Any

from django.http import HttpRequest

from tenants import access

_DECISIONS = ("release.approve", "release.reject")


def navigation(request: HttpRequest) -> dict[str, Any]:
    """A context processor. Asked only where a template asks."""
    return {"may_review": partial(_may_review, request)}


def _may_review(request: HttpRequest) -> bool:
    return any(access.may_ever(request.user, action) for action in _DECISIONS)

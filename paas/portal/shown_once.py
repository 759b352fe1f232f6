"""A secret on its way from the form that made it to the page that shows it once: a reload makes nothing again.

It lies in the session, encrypted, until it is shown, and for ten minutes at most.
"""

import json
from datetime import timedelta
from typing import Any

from cryptography.fernet import InvalidToken
from django.http import HttpRequest

from tenants.fields import keyring

_KEY = "shown_once"
LASTS = timedelta(minutes=10)


def keep(request: HttpRequest, name: str, values: dict[str, Any]) -> None:
    """For the page that takes `name`, in the place of an earlier one."""
    kept = dict(request.session.get(_KEY, {}))
    kept[name] = keyring().encrypt(json.dumps(values, default=str).encode()).decode()
    request.session[_KEY] = kept


def take(request: HttpRequest, name: str) -> dict[str, Any] | None:
    """The values, which are kept no longer; None if there are none, or none any more."""
    kept = dict(request.session.get(_KEY, {}))
    text = kept.pop(name, None)
    if text is None:
        return None
    request.session[_KEY] = kept
    try:
        values: dict[str, Any] = json.loads(keyring().decrypt(text.encode(), ttl=int(LASTS.total_seconds())))
    except InvalidToken:
        return None
    return values

"""How tokens are kept, and how they end."""

import hashlib
import re

import pytest

from tenants.exceptions import NotPermitted
from tenants.models import ApiToken, AuditEvent
from tenants.people.services.tokens import ALL_SCOPES, api_token_create, api_token_revoke
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_a_token_is_kept_as_a_hash_alone() -> None:
    user = make_user()
    token, text = api_token_create(user=user, name="laptop", actor=user, scopes=ALL_SCOPES)
    assert re.fullmatch(r"berth_[A-Za-z0-9_-]{43}", text)
    assert token.token_sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert text not in str(list(ApiToken.objects.values()) + list(AuditEvent.objects.values()))


def test_tokens_are_revoked_by_their_owner_and_once() -> None:
    user = make_user()
    token, _ = api_token_create(user=user, name="laptop", actor=user, scopes=ALL_SCOPES)
    with pytest.raises(NotPermitted):
        api_token_revoke(token=token, actor=make_user())
    api_token_revoke(token=token, actor=user)
    first = token.revoked_at
    api_token_revoke(token=token, actor=user)
    assert first == token.revoked_at is not None
    assert AuditEvent.objects.filter(action="token.revoked").count() == 1


def test_nobody_makes_tokens_for_others() -> None:
    with pytest.raises(NotPermitted):
        api_token_create(user=make_user(), name="x", actor=make_user(), scopes=ALL_SCOPES)
    assert not ApiToken.objects.exists()

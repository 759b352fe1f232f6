"""Access tokens. Only the SHA-256 of a token is kept."""

import hashlib
import secrets

from django.db import models
from django.utils import timezone

from provisioning.embedded_forge.models.project import Project
from provisioning.embedded_forge.models.user import User


def token_new(prefix: str = "glpat-") -> str:
    return prefix + secrets.token_urlsafe(24)


def token_digest(token: str) -> str:
    """Tokens are long and random, so that one round of SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


class Token(models.Model):
    """A personal token, or one of a project (`project` set, `user` is then the project's bot)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="access_tokens")
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True, default="")
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    access_level = models.IntegerField(null=True)
    is_revoked = models.BooleanField(default=False)
    is_impersonation = models.BooleanField(default=False)
    expires_at = models.DateField(null=True)
    last_used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "embedded_forge_token"

    def __str__(self) -> str:
        return f"{self.name} of {self.user_id}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now().date()

"""Accounts of the forge: people, the platform's administrator, and the bots behind project access tokens."""

from django.db import models
from django.db.models.functions import Lower


class User(models.Model):
    """Signs in with tokens only: a password sent at creation is accepted, as GitLab does, and not kept."""

    username = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    email = models.CharField(max_length=255)
    state = models.CharField(max_length=20, default="active")
    is_admin = models.BooleanField(default=False)
    is_bot = models.BooleanField(default=False)
    is_external = models.BooleanField(default=False)
    can_create_group = models.BooleanField(default=True)
    projects_limit = models.IntegerField(default=100_000)
    note = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "embedded_forge_user"
        constraints = [
            models.UniqueConstraint(Lower("username"), name="forge_username_unique"),
            models.UniqueConstraint(Lower("email"), name="forge_email_unique"),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def is_active(self) -> bool:
        return self.state == "active"

"""`manage.py forge_bootstrap`: makes the forge's administrator and its directories. Run it as often as you like."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from provisioning.embedded_forge import configuration
from provisioning.embedded_forge.git import repository
from provisioning.embedded_forge.models import Namespace, Token, User, token_digest

USERNAME = "root"
TOKEN_NAME = "EMBEDDED_FORGE_ROOT_TOKEN"  # noqa: S105


class Command(BaseCommand):
    help = "Make the embedded forge's administrator, whose token is the setting EMBEDDED_FORGE_ROOT_TOKEN."

    def handle(self, *args: Any, **options: Any) -> None:
        """A changed setting revokes the old token."""
        repository.root().mkdir(parents=True, exist_ok=True, mode=0o700)
        configuration.home().chmod(0o700)
        digest = token_digest(configuration.root_token())
        with transaction.atomic():
            root, _made = User.objects.get_or_create(
                username=USERNAME,
                defaults={"name": "Administrator", "email": "root@forge.invalid", "is_admin": True},
            )
            User.objects.filter(pk=root.pk).update(is_admin=True, state="active")
            Namespace.objects.get_or_create(
                owner=root,
                defaults={"name": root.name, "path": USERNAME, "full_path": USERNAME, "full_name": root.name},
            )
            mine = Token.objects.filter(user=root, name=TOKEN_NAME)
            mine.exclude(digest=digest).update(is_revoked=True)
            Token.objects.update_or_create(
                digest=digest,
                defaults={"user": root, "name": TOKEN_NAME, "scopes": ["api", "read_repository", "write_repository"],
                          "is_revoked": False, "expires_at": None},
            )  # fmt: skip
        self.stdout.write("the forge is ready")

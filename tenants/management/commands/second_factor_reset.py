"""`manage.py second_factor_reset NAME`: for the operator whom no other operator can help."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.exceptions import TenantsError
from tenants.people.models.user import User
from tenants.people.services.second_factor import second_factor_reset


class Command(BaseCommand):
    help = "Removes the second factor of somebody who has lost authenticator and recovery codes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"there is no user {options['username']}")
        try:
            second_factor_reset(user=user, actor=None)
        except TenantsError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(f"second factor of {user.username} removed")

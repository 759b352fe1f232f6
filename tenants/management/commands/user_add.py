"""`manage.py user_add NAME --email ADDRESS`: the first people come from the machine's own command line."""

import getpass
import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.exceptions import TenantsError
from tenants.people.services.users import user_create


class Command(BaseCommand):
    help = "Creates a user. The password comes from standard input, or is made and printed this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--email", required=True)
        parser.add_argument("--reviewer", action="store_true", help="may decide on other organizations' releases")
        parser.add_argument("--operator", action="store_true", help="runs the platform")
        parser.add_argument("--auditor", action="store_true", help="reads everything, changes nothing")
        parser.add_argument("--generate", action="store_true", help="make a password and print it, read none")

    def handle(self, *args: Any, **options: Any) -> None:
        password = secrets.token_urlsafe(18) if options["generate"] else _password_read()
        is_generated = options["generate"] or not password
        if not password:
            password = secrets.token_urlsafe(18)
        try:
            user = user_create(
                username=options["username"],
                password=password,
                email=options["email"],
                actor=None,
                is_reviewer=options["reviewer"],
                is_operator=options["operator"],
                is_auditor=options["auditor"],
            )
        except TenantsError as error:
            faults = [f"{field}: {message}" for field, messages in error.errors.items() for message in messages]
            raise CommandError("\n".join(faults) or error.detail) from None
        self.stdout.write(f"user {user.username} created")
        if is_generated:
            self.stdout.write(f"password: {password}")


def _password_read() -> str:
    """One line of standard input, without an echo at a terminal; empty means: make one."""
    if sys.stdin.isatty():
        return getpass.getpass("Password (empty: one is made): ")
    return sys.stdin.readline().rstrip("\r\n")

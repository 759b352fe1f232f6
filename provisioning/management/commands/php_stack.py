"""`manage.py php_stack > docs/reference/php-stack.md`: the page that says what PHP is to a plugin."""

from typing import Any

from django.core.management.base import BaseCommand

from provisioning.containers.rendering.php_stack_page import render_page


class Command(BaseCommand):
    help = "Prints docs/reference/php-stack.md, from the tables that the containers are made of."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(render_page(), ending="")

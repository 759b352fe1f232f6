from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from provisioning.dns.embedded import ACCOUNT
from provisioning.dns.services.zones import hosted_zones_unregister


class Command(BaseCommand):
    help = "Lets go of the zones at the embedded name server, where it is not run any more. May run again at any time."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if settings.EMBEDDED_DNS:
            raise CommandError("BERTH_EMBEDDED_DNS is true: set it to false where names are kept elsewhere")
        for name in hosted_zones_unregister(account_name=ACCOUNT):
            self.stdout.write(f"zone {name} is no longer kept here")

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from provisioning.dns.embedded import ACCOUNT, ensure_zone
from provisioning.dns.records import canonical_name
from provisioning.dns.services.plans import names_ensure
from provisioning.dns.services.zones import hosted_zone_register
from provisioning.exceptions import OperatorError
from tenants.exceptions import TenantsError

# The name server listens on all of the machine's addresses: this is the one at which the machine itself reaches it.
REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here


class Command(BaseCommand):
    help = (
        "Makes the zone of the apps' names in the embedded name server, hosted there, with the records of all apps "
        "that have none. May run again at any time."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        if not settings.EMBEDDED_DNS:
            raise CommandError("BERTH_EMBEDDED_DNS is false: names are kept elsewhere, and there is nothing to make")
        address = REACHED_AT.get(settings.DNS_ADDRESS, settings.DNS_ADDRESS)
        try:
            zone = canonical_name(settings.APPS_DOMAIN)
            ensure_zone(settings.DNS_HOME, zone, address=address)
            hosted = hosted_zone_register(
                zone_name=zone,
                account_name=ACCOUNT,
                provider="powerdns",
                settings={"url": f"http://127.0.0.1:{settings.DNS_API_PORT}"},
                secrets={"api_key": settings.DNS_API_KEY},
                nameservers=[f"{f'[{address}]' if ':' in address else address}:{settings.DNS_LISTEN_PORT}"],
            )
            names_ensure(hosted=hosted)
        except ValueError as error:
            raise CommandError(f"BERTH_APPS_DOMAIN is {settings.APPS_DOMAIN!r}: {error}") from None
        except (OperatorError, TenantsError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"zone {zone}, answered for at {address} port {settings.DNS_LISTEN_PORT}")

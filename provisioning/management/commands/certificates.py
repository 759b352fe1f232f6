"""`manage.py certificates`: takes up what the sources have, and lists what the edge serves."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from provisioning.certificates.models import Certificate
from provisioning.certificates.services import certificates_refresh
from provisioning.exceptions import ProvisioningError


class Command(BaseCommand):
    help = "Looks for new certificates now, and says which one each zone and hostname is served with."

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            certificates_refresh()
        except ProvisioningError as exc:
            raise CommandError(str(exc)) from exc
        for row in Certificate.objects.all():
            ends = f"{row.source}, until {row.not_after:%Y-%m-%d}" if row.not_after else "none"
            self.stdout.write(f"{row.name}: {row.state} ({ends})" + (f": {row.error}" if row.error else ""))

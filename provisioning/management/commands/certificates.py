"""`manage.py certificates`: takes up what the sources have, and lists what the edge serves."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from provisioning.certificates.models import Certificate
from provisioning.certificates.services import certificates_refresh
from provisioning.exceptions import ProvisioningError

# A worker that is at it is soon done; one that died holds the round until its lease lapses.
TURN_S = 0.2


class Command(BaseCommand):
    help = "Looks for new certificates now, and says which one each zone and hostname is served with."

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            while not certificates_refresh():
                time.sleep(TURN_S)
        except ProvisioningError as exc:
            raise CommandError(str(exc)) from exc
        for row in Certificate.objects.all():
            ends = f"{row.source}, until {row.not_after:%Y-%m-%d}" if row.not_after else "none"
            self.stdout.write(f"{row.name}: {row.state} ({ends})" + (f": {row.error}" if row.error else ""))

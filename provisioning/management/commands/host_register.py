from typing import Any

from django.core.management.base import BaseCommand

from provisioning.inventory.services import host_register_local


class Command(BaseCommand):
    help = "Registers the machine Berth runs on as a host. May run again at any time."

    def handle(self, *_args: Any, **_options: Any) -> None:
        host = host_register_local()
        self.stdout.write(f"host {host.name}: ports {host.port_first}-{host.port_last}, engine {host.docker_url}")

from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    name = "provisioning"

    def ready(self) -> None:
        from provisioning import receivers  # noqa: F401, PLC0415 - connecting signals is what ready() is for

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"

    def ready(self) -> None:
        from tenants import receivers  # noqa: F401, PLC0415 - connecting signals is what ready() is for

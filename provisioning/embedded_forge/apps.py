"""The embedded forge as a Django app."""

from django.apps import AppConfig


class EmbeddedForgeConfig(AppConfig):
    name = "provisioning.embedded_forge"
    label = "embedded_forge"
    verbose_name = "embedded forge"

"""The forge of this installation, from the settings of Django."""

from django.conf import settings

from provisioning.forge.client import TIMEOUT_S, ForgeClient


def forge_from_settings(*, timeout_s: float = TIMEOUT_S) -> ForgeClient:
    return ForgeClient(settings.FORGE_URL, settings.FORGE_TOKEN, timeout_s=timeout_s)

"""Ways to reach a host, and uses of a leased user id."""

from django.db import models


class Transport(models.TextChoices):
    LOCAL = "local"
    SSH = "ssh"


class UidUse(models.TextChoices):
    """Whom a user id is for: one that may not do what the other may."""

    PLUGIN = "plugin"
    SIDECAR = "sidecar"

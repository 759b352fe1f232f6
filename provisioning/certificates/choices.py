"""States of a certificate that the edge serves."""

from django.db import models


class CertificateState(models.TextChoices):
    """Of what is served: good, near its end, past it; or nothing is, for want of one or of a good one."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    MISSING = "missing"
    REFUSED = "refused"

"""What the edge serves over TLS, as it was found when the sources were last looked at."""

from collections.abc import Sequence
from functools import partial

from django.conf import settings

from paas.doctor.check import Check, Failed, Warned
from provisioning.certificates.choices import CertificateState
from provisioning.certificates.models import Certificate
from tenants.names.selectors.zones import platform_domains


def checks() -> Sequence[Check]:
    if not settings.EDGE_TLS_PORT:
        return []
    zones = platform_domains()
    return [
        Check(f"certificate {row.name}", partial(_certificate, row, row.name in zones))
        for row in Certificate.objects.all()
    ]


def _certificate(row: Certificate, is_zones: bool) -> str:
    remedy = f"an operator must put a good one into {settings.CERTIFICATES_HOME / row.name}"
    ends = f"{row.not_after:%Y-%m-%d %H:%M} UTC" if row.not_after else ""
    match row.state:
        case CertificateState.REFUSED:
            raise Failed(f"none is served: {row.error}")
        case CertificateState.MISSING if is_zones:
            raise Failed(f"none is served, and apps answer over HTTP only: {remedy}")
        case CertificateState.MISSING:
            return "there is none: the hostname is served over HTTP only"
        case CertificateState.EXPIRED:
            raise Failed(f"the one that is served has ended on {ends}: {row.error or remedy}")
        case CertificateState.EXPIRING:
            raise Warned(f"the one that is served ends on {ends}: {row.error or remedy}")
    if row.error:
        raise Warned(f"the one that is served is good until {ends}, and the next is refused: {row.error}")
    return f"from {row.source}, good until {ends}"

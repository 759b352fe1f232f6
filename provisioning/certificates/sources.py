"""The sources of this installation, from Django's settings."""

from pathlib import Path

from django.conf import settings

from provisioning.certificates.files import FileSource
from provisioning.certificates.protocol import CertificateSource
from provisioning.certificates.self_signed import SelfSignedSource


def sources_from_settings() -> list[CertificateSource]:
    """In the order in which they are asked, the best first: `CERTIFICATES_HOME`, `SELF_SIGNED_CERTIFICATES`."""
    sources: list[CertificateSource] = [FileSource(Path(settings.CERTIFICATES_HOME))]
    if settings.SELF_SIGNED_CERTIFICATES:
        sources.append(SelfSignedSource(Path(settings.SELF_SIGNED_HOME)))
    return sources

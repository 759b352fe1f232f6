"""What a source of certificates promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class CertificateFiles:
    """A certificate that a source has: its chain, the certificate itself first, and its private key, both as PEM."""

    chain: Path
    key: Path


class CertificateSource(Protocol):
    """One place that certificates come from. It is asked again and again, so that a renewal is found.

    `name` is what operators are shown. A source that must first order a certificate does so on its own, and has none
    until it is there.
    """

    name: str

    def certificate_for(self, names: Sequence[str]) -> CertificateFiles | None:
        """What it has for `names` now: one hostname, or the wildcards of a zone, the zone's own first; else None.

        Nobody has looked into the files yet: whoever uses them checks them. Raises `ProvisioningError`.
        """
        ...

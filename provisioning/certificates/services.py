"""Keeps the certificates that the edge serves: takes up what the sources have, and warns before one ends."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from provisioning.certificates.checks import CheckedCertificate, checked
from provisioning.certificates.choices import CertificateState
from provisioning.certificates.models import Certificate
from provisioning.certificates.protocol import CertificateSource
from provisioning.certificates.selectors import shared_zone, wanted_certificates
from provisioning.certificates.sources import sources_from_settings
from provisioning.certificates.stored import StoredCertificate, is_stored
from provisioning.edge import EdgeNginx, edge_from_settings
from provisioning.exceptions import CertificateRefused, LeaseLost, ProvisioningError
from provisioning.operations.choices import RoundKind
from provisioning.operations.lease import Lease
from provisioning.operations.rounds import Round, round_held
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work

logger = logging.getLogger(__name__)

# Days before its end at which operators are warned, each once; 0 when it has come.
WARN_DAYS = (30, 14, 7, 1, 0)
MAX_ERROR = 2000


@dataclass(frozen=True)
class Offer:
    """What the best source that has something has: a good certificate, or what is wrong with it."""

    source: str = ""
    certificate: CheckedCertificate | None = None
    error: str = ""


def certificates_refresh() -> bool:
    """Brings every certificate up to what its source has, and each row up to what the edge serves.

    May run at any time. False: another worker is at it, or took over. What is wrong with one is in its row and in the
    trail; the others go on.
    """
    with round_held(RoundKind.RENEW_CERTIFICATES) as lease:
        try:
            if lease is not None:
                _refresh(lease)
        except LeaseLost:
            logger.warning("another worker looks after the certificates")
            return False
        return lease is not None


def _refresh(lease: Lease[Round]) -> None:
    edge, sources, wanted = edge_from_settings(), sources_from_settings(), wanted_certificates()
    # The files have a lock of their own: a worker that lost its lease may still be writing one.
    with edge.certificates_held():
        for name, names in wanted.items():
            try:
                certificate_refresh(name=name, names=names, edge=edge, sources=sources, lease=lease)
            except ProvisioningError as error:
                logger.warning("the certificate for %s can't be looked after now: %s", name, error)
        with lease.fenced():
            for row in Certificate.objects.exclude(name__in=wanted):
                certificate_forget(certificate=row)
        lease.write()
        kept = set(Certificate.objects.exclude(file="").values_list("file", flat=True))
        edge.remove_certificates(kept=kept)


def certificate_refresh(
    *, name: str, names: Sequence[str], edge: EdgeNginx, sources: Sequence[CertificateSource], lease: Lease[Round]
) -> Certificate:
    """Takes up what a source has for one zone or hostname. What is served stays where that is not better.

    Raises `ProvisioningError` if the edge can't take it now, and `LeaseLost`; nothing has changed then.
    """
    lease.write()
    row = Certificate.objects.filter(name=name).first() or Certificate(name=name)
    before = _shown(row)
    now = timezone.now()
    offer = _offer(row, names, sources, now)
    error = offer.error
    new = offer.certificate
    if new is not None and (new.fingerprint != row.fingerprint or not is_stored(edge.home, row.file)):
        error = _install(row, new, offer.source, edge)
    elif row.file and name == shared_zone() and edge.zone_certificate() != row.file:
        edge.ensure_main(zone_certificate=row.file)
    row.error = error[:MAX_ERROR]
    row.state = _state(row, now)
    warning = _due_warning(row, now)
    if warning is not None:
        row.warned_days = warning
    if row.pk is None or _shown(row) != before:
        # The edge was asked before: nobody else who writes is to wait for it.
        with unit_of_work():
            lease.write()
            row.save()
            _record(row, before, warning)
    return row


@unit_of_work
def certificate_forget(*, certificate: Certificate) -> None:
    """Its zone or hostname is served no more."""
    audit_record(
        action="certificate.removed",
        message=f"the certificate for {certificate.name} is needed no more",
        obj=certificate,
        before=_shown(certificate),
    )
    certificate.delete()


def _offer(row: Certificate, names: Sequence[str], sources: Sequence[CertificateSource], now: datetime) -> Offer:
    """The first source that has anything decides: where that is bad, a lesser one is no way round it."""
    for source in sources:
        try:
            files = source.certificate_for(names)
            if files is None:
                continue
            found = checked(files, names=names, now=now)
        except ProvisioningError as refusal:
            return Offer(source.name, None, str(refusal))
        order = [one.name for one in sources]
        is_lesser = row.source in order and order.index(source.name) > order.index(row.source)
        if is_lesser and row.file and row.not_after is not None and row.not_after > now:
            return Offer(
                source.name,
                None,
                f"{row.source} has it no more: put it back; what is served stays until it ends on "
                f"{row.not_after:%Y-%m-%d}, and is then {source.name}",
            )
        return Offer(source.name, found)
    return Offer(error="no source has it any more: put it back" if row.file else "")


def _install(row: Certificate, new: CheckedCertificate, source: str, edge: EdgeNginx) -> str:
    """Puts it where nginx reads it, and in `row`. Returns what nginx has against it, where it has."""
    stored = StoredCertificate(name=row.name, fingerprint=new.fingerprint, chain=new.chain, key=new.key)
    file = edge.store(stored)
    try:
        edge.try_certificate(file)
    except CertificateRefused as refusal:
        return str(refusal)
    if row.name == shared_zone():
        edge.ensure_main(zone_certificate=file)
    row.names, row.source, row.fingerprint, row.file = list(new.names), source, new.fingerprint, file
    row.not_before, row.not_after, row.warned_days = new.not_before, new.not_after, None
    return ""


def _state(row: Certificate, now: datetime) -> CertificateState:
    if not row.file or row.not_after is None:
        return CertificateState.REFUSED if row.error else CertificateState.MISSING
    if row.not_after <= now:
        return CertificateState.EXPIRED
    return CertificateState.EXPIRING if row.not_after - now <= timedelta(days=WARN_DAYS[0]) else CertificateState.VALID


def _due_warning(row: Certificate, now: datetime) -> int | None:
    """The nearest of `WARN_DAYS` that is reached, unless it or a nearer one was given."""
    if not row.file or row.not_after is None:
        return None
    reached = [days for days in WARN_DAYS if row.not_after - now <= timedelta(days=days)]
    due = min(reached, default=None)
    return due if due is not None and (row.warned_days is None or due < row.warned_days) else None


def _shown(row: Certificate) -> dict[str, object]:
    return {
        "source": row.source,
        "fingerprint": row.fingerprint,
        "not_after": row.not_after.astimezone(UTC).isoformat() if row.not_after else None,
        "state": str(row.state),
        "error": row.error,
        "warned_days": row.warned_days,
    }


def _record(row: Certificate, before: dict[str, object], warning: int | None) -> None:
    """One event for each thing that happened: another one is served, one is refused, one ends."""
    after = _shown(row)
    ends = f"{row.not_after:%Y-%m-%d %H:%M} UTC" if row.not_after else ""
    remedy = f"put a new one into {settings.CERTIFICATES_HOME / row.name}"
    events = []
    if after["fingerprint"] != before["fingerprint"]:
        events.append(("installed", f"{row.name} is served with a certificate from {row.source} that ends on {ends}"))
    if row.error and after["error"] != before["error"]:
        events.append(("refused", f"the certificate for {row.name}: {row.error}"))
    if warning == 0:
        events.append(("expired", f"the certificate for {row.name} has ended on {ends}: {remedy}"))
    elif warning is not None:
        events.append(("expiring", f"the certificate for {row.name} ends on {ends}: {remedy}"))
    for action, message in events or [("changed", f"the certificate for {row.name}: {row.state}")]:
        audit_record(action=f"certificate.{action}", message=message, obj=row, before=before, after=after)

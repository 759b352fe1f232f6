"""What the doctor says of certificates: who must do what, and nothing where all is well."""

from datetime import UTC, datetime
from typing import Any

import pytest

from paas.doctor import certificates
from paas.doctor.check import Level
from paas.doctor.examine import outcome
from provisioning.certificates.choices import CertificateState
from provisioning.models import Certificate

pytestmark = pytest.mark.django_db

ZONE, CUSTOM = "apps.localhost", "plugin.customer.example"
ENDS = datetime(2030, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "state", "error", "level", "said"),
    [
        (ZONE, CertificateState.VALID, "", Level.OK, "from files, good until 2030-01-02 00:00 UTC"),
        (ZONE, CertificateState.VALID, "the key is another's", Level.WARN, "the next is refused: the key is another's"),
        (ZONE, CertificateState.EXPIRING, "", Level.WARN, "must put a good one into"),
        (ZONE, CertificateState.EXPIRED, "", Level.FAIL, "has ended on 2030-01-02"),
        (ZONE, CertificateState.EXPIRED, "the key is gone", Level.FAIL, "the key is gone"),
        (ZONE, CertificateState.REFUSED, "chmod 600", Level.FAIL, "none is served: chmod 600"),
        (ZONE, CertificateState.MISSING, "", Level.FAIL, "apps answer over HTTP only"),
        (CUSTOM, CertificateState.MISSING, "", Level.OK, "served over HTTP only"),
    ],
)
def test_each_state_is_told(name: str, state: CertificateState, error: str, level: Level, said: str) -> None:
    ends = None if state in (CertificateState.REFUSED, CertificateState.MISSING) else ENDS
    Certificate.objects.create(name=name, source="files", state=state, error=error, not_after=ends)
    [check] = certificates.checks()
    assert check.name == f"certificate {name}"
    found, message = outcome(check)
    assert (found, said in message) == (level, True)


def test_nothing_is_said_where_there_is_no_tls(settings: Any) -> None:
    Certificate.objects.create(name=ZONE)
    settings.EDGE_TLS_PORT = 0
    assert certificates.checks() == []

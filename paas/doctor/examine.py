"""Runs the checks: several at once, each within its time, whatever the others find, and no secret in what they say."""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connections

from paas.doctor import certificates, domains, limits, machine, names, parts, repairs
from paas.doctor.check import Check, Failed, Finding, Level, Warned
from provisioning.dns.models import DnsAccount
from provisioning.exceptions import ProvisioningError
from provisioning.logs.redaction import Redactor

LIMIT_S = 20
AT_ONCE = 8
MAX_MESSAGE = 600
Room = Callable[[], Sequence[Check]]
# In this order they are printed.
ROOMS: dict[str, Room] = {
    "machine": machine.checks,
    "parts": parts.checks,
    "repairs": repairs.checks,
    "names": names.checks,
    "domains": domains.checks,
    "certificates": certificates.checks,
    "limits": limits.checks,
}

logger = logging.getLogger(__name__)


def examine(*, limit_s: float = LIMIT_S) -> Iterator[Finding]:
    """What each check found, in the order of the checks, as soon as it is known."""
    redactor = Redactor(_secrets())
    checks = [check for room, collect in ROOMS.items() for check in _collected(room, collect)]
    for start in range(0, len(checks), AT_ONCE):
        for finding in _together(checks[start : start + AT_ONCE], limit_s):
            yield Finding(finding.check, finding.level, redactor.line(finding.message.encode())[:MAX_MESSAGE])


def _collected(room: str, collect: Room) -> Sequence[Check]:
    """The room's checks. Where not even they can be listed, that is what there is to say of the room."""
    try:
        return collect()
    except Exception as error:
        # The name is gone when the check runs.
        return [Check(room, lambda error=error: _raise(error))]  # type: ignore[misc]


def _raise(error: Exception) -> str:
    raise error


def _together(checks: Sequence[Check], limit_s: float) -> Iterator[Finding]:
    found: dict[int, Finding] = {}
    threads = [
        # One that never ends does not keep the command from ending.
        threading.Thread(target=_run, args=[found, number, check], daemon=True)
        for number, check in enumerate(checks)
    ]
    for thread in threads:
        thread.start()
    for number, (check, thread) in enumerate(zip(checks, threads, strict=True)):
        thread.join(limit_s)
        late = Finding(check.name, Level.FAIL, f"did not answer within {limit_s:g} s: an operator should look at it")
        yield found.get(number, late)


def _run(found: dict[int, Finding], number: int, check: Check) -> None:
    try:
        found[number] = Finding(check.name, *outcome(check))
    finally:
        connections.close_all()


def outcome(check: Check) -> tuple[Level, str]:
    try:
        return Level.OK, check.run()
    except Warned as warning:
        return Level.WARN, str(warning)
    except (Failed, ProvisioningError) as failure:
        return Level.FAIL, str(failure)
    except DatabaseError as error:
        return Level.FAIL, f"the database does not answer ({type(error).__name__}): see the check of the database"
    except Exception as error:
        # Its text may be anything: whoever may read the log may read that.
        logger.debug("the check %s failed", check.name, exc_info=True)
        return (
            Level.FAIL,
            f"the check failed ({type(error).__name__}): report it with BERTH_LOG_LEVEL=DEBUG's output",
        )


def _secrets() -> set[str]:
    """All that the installation keeps secret and a message could have picked up."""
    found = {settings.SECRET_KEY, settings.FORGE_TOKEN, settings.DNS_API_KEY, *settings.FIELD_ENCRYPTION_KEYS}
    found.add(str(settings.DATABASES["default"].get("PASSWORD") or ""))
    found.add(urlsplit(settings.CELERY_BROKER_URL).password or "")
    try:
        for account in DnsAccount.objects.all():
            found |= set(json.loads(account.secrets).values())
    except Exception:
        # Without the database, or the key to it, nobody else learns them here either.
        logger.debug("the accounts' secrets can't be read", exc_info=True)
    return {secret for secret in found if secret}

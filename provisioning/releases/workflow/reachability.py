"""Whether the world finds what was deployed: what its zone's policy asks of name servers, resolvers and the edge."""

import socket
import time
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from provisioning.dns.answers import Observation, Outcome
from provisioning.dns.choices import DnsRecordState
from provisioning.dns.models import DnsRecord, HostedZone
from provisioning.dns.records import RecordSet, record_set
from provisioning.dns.resolution import (
    Resolution,
    nameserver_from_text,
    resolution_from_settings,
    resolvers_from_settings,
)
from provisioning.dns.services.events import names_looked_up
from provisioning.dns.verification import Verification, as_data, verify_records
from provisioning.dns.workflow.names import ensure_dns_records
from provisioning.exceptions import OperatorError, ServiceUnavailable
from provisioning.operations.engine import Run, Wait
from provisioning.operations.subject import subject_of
from provisioning.releases.workflow.draining import follower_of
from tenants.apps.models.environment import Environment

AUTHORITATIVE, RESOLVERS, EDGE = "authoritative", "resolvers", "edge"
DEFAULT = (AUTHORITATIVE, EDGE)
# How long wrong answers are looked at again, and how often.
LOOK_FOR_S, LOOK_S = 10.0, 0.2
# Several servers need not change at the same moment: what is new is looked at twice. One alone is asked for the second
# time when the release is live, since behind one address there can be several, too.
NEW, AGAIN_S = timedelta(seconds=30), 2.0
_HEARD = {Outcome.ANSWER, Outcome.NO_DATA, Outcome.NX_DOMAIN}


def ensure_names_answer(run: Run, environment: Environment) -> list[str]:
    """All name servers of the environment's zones say what they should. Gives the edge's addresses to be looked at.

    Raises `OperatorError` where they say something else, `ServiceUnavailable` where they can't be heard: then the work
    waits, and what was deployed is served meanwhile. Each server's answer is on the timeline.
    """
    addresses: set[str] = set()
    hosted_zones = _hosted_zones(environment)
    if hosted_zones:
        ensure_dns_records(run)
    for hosted in hosted_zones:
        checks = hosted.live_checks or DEFAULT
        rows = _rows(hosted, environment)
        expected = _expected(hosted, environment, rows)
        servers = _ask_servers(run, hosted, expected) if AUTHORITATIVE in checks else 0
        if RESOLVERS in checks:
            _ask_resolvers(run, hosted, expected)
        is_new = any(row.applied_at and timezone.now() - row.applied_at < NEW for row in rows)
        if servers and is_new and "names_seen" not in run.operation.data:
            run.remember(names_seen=timezone.now().isoformat(), names_again=servers == 1)
            if servers > 1:
                raise Wait("the name servers are asked once more, since the records are new", seconds=AGAIN_S)
        if EDGE in checks:
            addresses |= {value for record in expected if record.type in ("A", "AAAA") for value in record.values}
    return [address for address in sorted(addresses) if _has_way(run, address)]


def ensure_names_still_answer(run: Run) -> None:
    """Asks the one server of new records once more. The release is live by now: what is wrong is told, and no more."""
    _release, environment = subject_of(run)
    if not run.operation.data.get("names_again"):
        return
    seen = datetime.fromisoformat(run.operation.data["names_seen"])
    left_s = (seen + timedelta(seconds=AGAIN_S) - timezone.now()).total_seconds()
    if left_s > 0 and follower_of(environment) is None:
        raise Wait("the name server is asked once more, since the records are new", seconds=left_s)
    for hosted in _hosted_zones(environment):
        if AUTHORITATIVE in (hosted.live_checks or DEFAULT):
            found = _look(run, hosted, _expected(hosted, environment, _rows(hosted, environment)))
            _tell(run, hosted, AUTHORITATIVE, found.observations, "" if found.is_met else found.detail, found.is_final)
    run.remember(names_again=False)


def _hosted_zones(environment: Environment) -> list[HostedZone]:
    zones = HostedZone.objects.filter(zone__subdomains__environment=environment).distinct()
    return list(zones.select_related("zone", "account").order_by("pk"))


def _rows(hosted: HostedZone, environment: Environment) -> list[DnsRecord]:
    own = Q(environment=environment) | Q(name=f"*.{hosted.zone.name}")
    return list(hosted.records.filter(own, state=DnsRecordState.APPLIED).order_by("pk"))


def _expected(hosted: HostedZone, environment: Environment, rows: list[DnsRecord]) -> list[RecordSet]:
    """What a wildcard holds is what servers say for each name."""
    names = environment.subdomains.filter(zone=hosted.zone).values_list("hostname", flat=True)
    return [
        record_set(name, row.type, row.values, row.ttl_s)
        for name in names
        for row in rows
        if row.name == name or (row.app_id is None and hosted.zone.is_wildcard)
    ]


def _ask_servers(run: Run, hosted: HostedZone, expected: list[RecordSet]) -> int:
    """How many servers answered."""
    found = _look(run, hosted, expected)
    _judge(run, hosted, AUTHORITATIVE, found.observations, "" if found.is_met else found.detail, found.is_final)
    return len({(one.server.address, one.server.port) for seen in found.observations for one in seen.answers})


def _look(run: Run, hosted: HostedZone, expected: list[RecordSet]) -> Verification:
    """Looks until the servers say what they should, or for a while."""
    known = [nameserver_from_text(text) for text in hosted.nameservers]
    resolution = resolution_from_settings(delegations={hosted.zone.name: known} if known else None)
    until = time.monotonic() + LOOK_FOR_S
    while True:
        found = verify_records(resolution, expected)
        if found.is_met or time.monotonic() > until:
            return found
        run.write()
        time.sleep(LOOK_S)


def _ask_resolvers(run: Run, hosted: HostedZone, expected: list[RecordSet]) -> None:
    """Resolvers remember what was: a wrong answer of theirs is waited for."""
    resolvers = resolvers_from_settings()
    if not resolvers:
        run.note("no resolver is set to be asked (BERTH_DNS_RESOLVERS)")
        return
    resolution: Resolution = resolution_from_settings()
    observations = tuple(resolution.ask(resolvers, record.name, record.type) for record in expected)
    faults = [
        f"{answer.server.address} says {answer.outcome.value} {' '.join(answer.values)[:100]} for {record.name}"
        for record, observation in zip(expected, observations, strict=True)
        for answer in observation.answers
        if answer.outcome is not Outcome.ANSWER or answer.values != record.values
    ]
    _judge(run, hosted, RESOLVERS, observations, "; ".join(faults)[:500], is_final=False)


def _judge(
    run: Run, hosted: HostedZone, check: str, observations: tuple[Observation, ...], fault: str, is_final: bool
) -> None:
    _tell(run, hosted, check, observations, fault, is_final)
    if not fault:
        return
    if is_final:
        raise OperatorError(f"the name servers of {hosted.zone.name} say something else than was written: {fault}")
    raise ServiceUnavailable(f"names in {hosted.zone.name} ({check}): {fault}: Berth looks again")


def _tell(
    run: Run, hosted: HostedZone, check: str, observations: tuple[Observation, ...], fault: str, is_final: bool
) -> None:
    """On the timeline, once for each verdict."""
    key = f"told_{check}_{hosted.pk}"
    answers = [answer for observation in observations for answer in observation.answers]
    verdict = "as they should be" if not fault else "wrong" if is_final else "not to be had"
    if run.operation.data.get(key) != verdict:
        heard = sum(answer.outcome in _HEARD for answer in answers)
        message = f"names in {hosted.zone.name}, {check}: {verdict}, {heard} of {len(answers)} answers heard"
        names_looked_up(
            release=run.operation.release,
            message=f"{message}: {fault}" if fault else message,
            data={"zone": hosted.zone.name, "check": check, "observations": [as_data(one) for one in observations]},
        )
        run.remember(**{key: verdict})
    run.note(f"{check}: {len(answers)} answers for {len(observations)} records of {hosted.zone.name} {verdict}")


def _has_way(run: Run, address: str) -> bool:
    """Whether this machine could reach the address at all: one without IPv6 can't judge an IPv6 address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
    except OSError:
        run.note(f"{address}: this machine has no way there, and can't look")
        return False
    return True

"""Looks at the DNS for customers' own domains that are due, and says what it has found. What follows is tenants'.

A worker that dies loses nothing: its lease on a domain ends, and the next round takes it. However many name servers
hang, at most two workers wait for them, and none longer than a check may take.
"""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from provisioning.dns.answers import Observation, Outcome
from provisioning.dns.records import canonical_value
from provisioning.dns.resolution import Resolution, resolution_from_settings
from provisioning.dns.verification import Verification, as_data, verify_control, verify_pointing
from tenants.names.choices import DomainState, Finding
from tenants.names.models.custom_domain import CustomDomain
from tenants.names.selectors.domains import are_names_looked_up, pointing_addresses, pointing_targets
from tenants.names.services.domain_checks import Look, domain_checked, domains_take
from tenants.names.services.domain_waits import domains_resume, domains_wait

logger = logging.getLogger(__name__)

# Checks of one round, all at the same time; and of all rounds that are under way in all workers.
ROUND, AT_ONCE = 8, 16
# Between the two looks of a proof: behind one address there can be several servers.
LOOKS_APART_S = 2.0
_HEARD = {Outcome.ANSWER, Outcome.NO_DATA, Outcome.NX_DOMAIN}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked about one domain: plain values, for a thread that has no database."""

    hostname: str
    token: str
    targets: tuple[str, ...]
    addresses: tuple[str, ...]
    is_proof: bool


def run(domain_id: int | None = None) -> int:
    """One round, or one domain if it is due; gives how many domains were looked at.

    Raises `OperatorError` if the settings are at fault.

    In an installation that looks up no outside names nobody is asked anything, and all of them wait.
    """
    if not are_names_looked_up():
        domains_wait()
        return 0
    domains_resume()
    resolution = resolution_from_settings()
    if domain_id is None:
        domains = domains_take(count=ROUND, at_once=AT_ONCE)
    else:
        # A round finds room beside all that are asked for by themselves: it gives each organization its turn.
        domains = domains_take(count=1, at_once=AT_ONCE - ROUND, domain_id=domain_id)
    if not domains:
        return 0
    with ThreadPoolExecutor(max_workers=len(domains)) as pool:
        looks = {pool.submit(look_at, resolution, question_of(domain)): domain for domain in domains}
        for ended in as_completed(looks):
            domain = looks[ended]
            try:
                domain_checked(domain=domain, look=ended.result())
            except Exception:
                # One domain that can't be dealt with keeps no other from its turn: it is taken again after its lease.
                logger.exception("the check of domain %s (%s) could not be ended", domain.pk, domain.hostname)
    return len(domains)


def question_of(domain: CustomDomain) -> Question:
    return Question(
        hostname=domain.hostname,
        token=domain.challenge,
        targets=pointing_targets(domain),
        addresses=pointing_addresses(),
        is_proof=domain.state == DomainState.PENDING,
    )


def look_at(resolution: Resolution, asked: Question) -> Look:
    """Asks the servers of the domain. Takes no longer than five times what one call of `resolution` may."""
    control = verify_control(resolution, hostname=asked.hostname, token=asked.token)
    if asked.is_proof and control.is_met:
        time.sleep(LOOKS_APART_S)
        control = verify_control(resolution, hostname=asked.hostname, token=asked.token)
    pointing = verify_pointing(resolution, hostname=asked.hostname, targets=asked.targets, addresses=asked.addresses)
    return Look(
        control=control_found(control, asked.token),
        control_detail=control.detail,
        pointing=pointing_found(pointing, asked.addresses),
        pointing_detail=pointing.detail,
        observations=[as_data(observation) for observation in (*control.observations, *pointing.observations)],
    )


def control_found(verification: Verification, token: str) -> Finding:
    """`no` only where a server that answers does not have the proof."""
    if verification.is_met:
        return Finding.YES
    said = [answer for observation in verification.observations for answer in observation.answers]
    without = [answer for answer in said if not any(value.endswith(f"={token}") for value in answer.values)]
    return Finding.NO if any(answer.outcome in _HEARD for answer in without) else Finding.UNHEARD


def pointing_found(verification: Verification, addresses: Sequence[str]) -> Finding:
    """`no` only where all servers were heard, or one that was has an address that is not the edge's."""
    if verification.is_met:
        return Finding.YES
    if all(_is_heard(observation) for observation in verification.observations):
        return Finding.NO
    here = {canonical_value("AAAA" if ":" in address else "A", address) for address in addresses}
    found = {
        value
        for observation in verification.observations
        for answer in observation.answers
        if answer.outcome in _HEARD
        for value in answer.values
    }
    return Finding.NO if found - here else Finding.UNHEARD


def _is_heard(observation: Observation) -> bool:
    return bool(observation.answers) and all(answer.outcome in _HEARD for answer in observation.answers)

"""Whether the world sees what it should: records, proofs of control, and names that point here.

One look is one verdict. Who wants to rely on it looks twice, 2 s apart, and takes it where both are met: behind one
address there can be several servers that were not changed at the same moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from provisioning.dns.answers import Observation, Outcome, ServerAnswer
from provisioning.dns.records import RecordSet, canonical_name, canonical_value
from provisioning.dns.resolution import Resolution, cname_of

CHALLENGE_LABEL = "_berth-challenge"
CHALLENGE_PREFIX = "berth-verification="
# Of what is kept: an answer is the zone owner's text.
KEPT_ANSWERS = 40
KEPT_VALUES = 20
MAX_DETAIL = 500


@dataclass(frozen=True, kw_only=True)
class Verification:
    """`detail` says who must do what, and nothing where it is met.

    `is_final`: all servers were heard and agree, so that another look is of use only after somebody changed something.
    """

    is_met: bool
    is_final: bool
    observations: tuple[Observation, ...] = ()
    detail: str = ""


def verify_records(resolution: Resolution, expected: Sequence[RecordSet]) -> Verification:
    """Every server of each record's zone has exactly these values. TTLs may differ.

    Call it again after 2 s, and take the records for published where both are met.
    """
    observations, faults = [], []
    for record in expected:
        observation = resolution.observe(record.name, record.type)
        observations.append(observation)
        fault = _difference(observation, lambda answer, record=record: answer.values == record.values)  # type: ignore[misc]
        if fault:
            faults.append(f"{record.name} {record.type} should be {_listed(record.values)}: {fault}")
    return Verification(
        is_met=not faults,
        is_final=all(observation.is_unanimous for observation in observations),
        observations=tuple(observations),
        detail="; ".join(faults)[:MAX_DETAIL],
    )


def verify_control(resolution: Resolution, *, hostname: str, token: str) -> Verification:
    """All servers have the challenge's TXT for `hostname`, among others or not.

    A CNAME in its place is not followed: one for all names of a zone would let its target prove each of them.
    """
    if not token:
        raise ValueError("token: it is empty")
    name, value = challenge(hostname, token)
    observation = resolution.observe(name, "TXT")
    fault = _difference(observation, lambda answer: not answer.cname and value in answer.values)
    return Verification(
        is_met=not fault,
        is_final=not fault or observation.is_unanimous,
        observations=(observation,),
        detail=f"set a TXT record {name} with the text {value}: {fault}"[:MAX_DETAIL] if fault else "",
    )


def challenge(hostname: str, token: str) -> tuple[str, str]:
    """The name and the text of the TXT record that proves control. Raises `ValueError` where the name is too long."""
    return canonical_name(f"{CHALLENGE_LABEL}.{hostname}"), canonical_value("TXT", f"{CHALLENGE_PREFIX}{token}")


def verify_pointing(
    resolution: Resolution, *, hostname: str, targets: Sequence[str], addresses: Sequence[str]
) -> Verification:
    """`hostname` leads here by all of its servers: by CNAMEs to one of `targets`, or to some of `addresses` alone."""
    ours = {canonical_name(target) for target in targets}
    here = {canonical_value("AAAA" if ":" in address else "A", address) for address in addresses}
    chain = resolution.follow(hostname, "A", until=ours)
    last = chain[-1]
    wanted = _wanted(sorted(ours), sorted(here))
    for link in chain:
        if link.zone == link.name and any(answer.cname for answer in link.answers):
            return _not_met(chain, f"{link.name} is the top of its zone, where no CNAME can stand: {_wanted((), here)}")
    if cname_of(last) in ours:
        return Verification(is_met=True, is_final=True, observations=chain)
    if last.detail or not last.is_unanimous or last.answers[0].cname:
        return _not_met(chain, f"{wanted}: {_said(last)}")
    observations = (*chain, resolution.observe(last.name, "AAAA"))
    if not observations[-1].is_unanimous:
        return _not_met(observations, f"{wanted}: {_said(observations[-1])}")
    found = {value for observation in observations[-2:] for value in observation.values}
    if not found:
        return _not_met(observations, f"{wanted}: {_said(last)}")
    strange = sorted(found - here)
    if strange:
        verb = "points" if len(strange) == len(found) else "also points"
        return _not_met(observations, f"{wanted}: {last.name} {verb} to {_listed(strange)}")
    return Verification(is_met=True, is_final=True, observations=observations)


def as_data(observation: Observation) -> dict[str, Any]:
    """For audit events and pages: each server's answer, of a bounded size."""
    return {
        "name": observation.name,
        "type": observation.type,
        "zone": observation.zone,
        "is_unanimous": observation.is_unanimous,
        "detail": observation.detail,
        "answers": [
            {
                "server": answer.server.name,
                "address": answer.server.address,
                "port": answer.server.port,
                "outcome": answer.outcome.value,
                "values": list(answer.values[:KEPT_VALUES]),
                "values_left_out": max(len(answer.values) - KEPT_VALUES, 0),
                "cname": answer.cname,
                "ttl_s": answer.ttl_s,
                "took_ms": answer.took_ms,
                "detail": answer.detail,
            }
            for answer in observation.answers[:KEPT_ANSWERS]
        ],
    }


def _not_met(observations: tuple[Observation, ...], detail: str) -> Verification:
    is_final = all(observation.is_unanimous for observation in observations)
    return Verification(is_met=False, is_final=is_final, observations=observations, detail=detail[:MAX_DETAIL])


def _wanted(targets: Sequence[str], addresses: Sequence[str] | set[str]) -> str:
    ways = [f"a CNAME to {_listed(targets, ' or ')}"] if targets else []
    ways += [f"A or AAAA records with {_listed(sorted(addresses), ' or ')} alone"] if addresses else []
    return f"set {', or '.join(ways)}"


def _difference(observation: Observation, is_right: Callable[[ServerAnswer], bool]) -> str:
    """What is not right, and who says so. Empty where every server was heard and is right."""
    wrong = [a for a in observation.answers if a.outcome is not Outcome.ANSWER or not is_right(a)]
    if observation.answers and not observation.detail and not wrong:
        return ""
    return _said(observation, wrong)


def _said(observation: Observation, wrong: Sequence[ServerAnswer] | None = None) -> str:
    if observation.detail:
        return observation.detail
    answers = observation.answers
    if observation.is_unanimous:
        return f"{observation.name}: all servers of {observation.zone} say {_answer(answers[0])}"
    told = answers if wrong is None else wrong
    some = "; ".join(f"{_server(answer)} says {_answer(answer)}" for answer in told[:6])
    more = f" and {len(told) - 6} more" if len(told) > 6 else ""
    count = "the servers disagree" if wrong is None else f"{len(told)} of {len(answers)} servers differ"
    return f"{observation.name}: {count}: {some}{more}"


def _server(answer: ServerAnswer) -> str:
    return f"{answer.server.name} ({answer.server.address or 'no address'})"


def _answer(answer: ServerAnswer) -> str:
    match answer.outcome:
        case Outcome.ANSWER:
            return f"a CNAME to {answer.cname}" if answer.cname else _listed(answer.values)
        case Outcome.NX_DOMAIN:
            return "that there is no such name"
        case Outcome.NO_DATA:
            return "that it has no such record"
        case _:
            return f"nothing of use: {answer.outcome.value}, {answer.detail}"


def _listed(values: Sequence[str], word: str = ", ") -> str:
    return word.join(values[:5]) + (f" and {len(values) - 5} more" if len(values) > 5 else "")

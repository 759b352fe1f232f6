"""`hostile.test`, which is delegated to a name server that does what a test says, in a hierarchy of real ones."""

from collections.abc import Callable, Sequence

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from provisioning.dns.answers import Nameserver, Observation, Outcome
from tests.name_servers.hierarchy import HOSTILE, Hierarchy
from tests.name_servers.hostile import reply

SOA = "hostile.test. 60 IN SOA hostile.hostile.test. x.hostile.test. 1 1 1 1 1"
RIGHT = "www.hostile.test. 60 IN A 192.0.2.66"
FORGED = "www.hostile.test. 60 IN A 203.0.113.66"
Saying = Callable[[dns.message.Message, bool], Sequence[bytes] | None]


def name_of(query: dns.message.Message) -> str:
    return query.question[0].name.to_text().lower()


def is_walk(query: dns.message.Message) -> bool:
    return query.question[0].rdtype == dns.rdatatype.SOA


def after_the_walk(say: Saying) -> Saying:
    """Holds its zone as it should until it is asked what one wants to know."""
    return lambda query, is_tcp: [reply(query, authority=[SOA]).to_wire()] if is_walk(query) else say(query, is_tcp)


def observed(hierarchy: Hierarchy, name: str = "www.hostile.test", type_: str = "A", **changes: object) -> Observation:
    return hierarchy.resolution(**changes).observe(name, type_)


def observed_soon(hierarchy: Hierarchy) -> Observation:
    """For what takes all the time that it gets. No server but the hostile one is asked, so that none is late."""
    known = {"hostile.test": (Nameserver(name="hostile", address=HOSTILE, port=hierarchy.port),)}
    return observed(hierarchy, timeout_s=0.5, delegations=known)


def outcome(observation: Observation) -> Outcome:
    (answer,) = observation.answers
    return answer.outcome

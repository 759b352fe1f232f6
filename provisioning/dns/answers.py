"""What name servers said: pure values, for verification, timelines and pages."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What one server's answer was."""

    ANSWER = "answer"
    NO_DATA = "no_data"
    NX_DOMAIN = "nx_domain"
    SERV_FAIL = "serv_fail"
    REFUSED = "refused"
    LAME = "lame"  # it does not hold the zone that is delegated to it
    TIMEOUT = "timeout"
    MALFORMED = "malformed"


@dataclass(frozen=True, kw_only=True)
class Nameserver:
    """One address of one server, `port` included: `ns1.example.com`, 192.0.2.53, 53."""

    name: str
    address: str
    port: int = 53


@dataclass(frozen=True, kw_only=True)
class ServerAnswer:
    """What one server said about one name and type.

    `values` are as in `RecordSet`. `cname` is where the name points, where the answer was a CNAME. `detail` is for
    people: at most 200 printable characters.
    """

    server: Nameserver
    outcome: Outcome
    values: tuple[str, ...] = ()
    cname: str = ""
    ttl_s: int | None = None
    took_ms: int = 0
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What all servers of a zone said about one name and type.

    `zone` is the closest delegated zone. `detail` says why nobody could be asked, where `answers` is empty.
    """

    name: str
    type: str
    zone: str = ""
    answers: tuple[ServerAnswer, ...] = ()
    detail: str = ""

    @property
    def is_unanimous(self) -> bool:
        """All servers were heard, and said the same."""
        said = {(answer.outcome, answer.values, answer.cname) for answer in self.answers}
        heard = {Outcome.ANSWER, Outcome.NO_DATA, Outcome.NX_DOMAIN}
        return len(said) == 1 and all(answer.outcome in heard for answer in self.answers)

    @property
    def values(self) -> tuple[str, ...]:
        """What all servers agree on; empty where they don't, or there is nothing."""
        return self.answers[0].values if self.answers and self.is_unanimous else ()

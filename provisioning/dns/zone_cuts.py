"""A zone cut on the way from the roots to a name (RFC 9499, section 7), and the failure to find one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.message
import dns.name

from provisioning.dns.answers import Nameserver, Outcome, ServerAnswer

if TYPE_CHECKING:
    pass


NOWHERE = (
    "this installation looks up no outside names, and knows no server of the zone: an operator must name the zone's "
    "servers, or set BERTH_DNS_LOOKUPS=true and start it again"
)


NO_ADDRESS = "it has no address: "


HEARD = {Outcome.ANSWER, Outcome.NO_DATA, Outcome.NX_DOMAIN}


class LookupFailed(Exception):
    """Nobody could be asked, or nobody answered. `detail` is for people; `answers` are of those who were asked.

    `reason` is at the bottom of it, where one thing failed for want of another. `cut` is whose servers were of no use.
    """

    def __init__(
        self,
        detail: str,
        outcome: Outcome,
        *,
        zone: str = "",
        answers: Sequence[ServerAnswer] = (),
        reason: str = "",
        cut: "Cut | None" = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.reason = reason or detail
        self.outcome = outcome
        self.zone = zone
        self.cut = cut
        self.answers = tuple(answers)


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A zone, what is known of its servers, and the names of those whose addresses are not known."""

    zone: dns.name.Name
    servers: tuple[Nameserver, ...] = ()
    names: tuple[dns.name.Name, ...] = ()
    # Servers that can't be asked, and why.
    unasked: tuple[ServerAnswer, ...] = ()

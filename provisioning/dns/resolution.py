"""What the world is told about a name: asked of every server that its zone is delegated to, never of a cache.

DNSSEC is not validated: a verdict is as good as the paths to the servers, of which all must agree.
"""

import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import dns.name
from django.conf import settings as django_settings

from provisioning.dns.answers import Nameserver, Observation, Outcome
from provisioning.dns.delegation import Walk
from provisioning.dns.reading import text_of
from provisioning.dns.records import canonical_name
from provisioning.dns.zone_cuts import HEARD, LookupFailed
from provisioning.exceptions import OperatorError
from tenants.names.selectors.domains import are_names_looked_up

__all__ = ["LookupFailed", "Resolution", "ResolutionSettings", "resolution_from_settings", "resolvers_from_settings"]

# Of CNAMEs from a name to its addresses; resolvers give up at about as many.
MAX_LINKS = 8
# https://www.iana.org/domains/root/servers
_ROOTS = {
    "a": ("198.41.0.4", "2001:503:ba3e::2:30"),
    "b": ("170.247.170.2", "2801:1b8:10::b"),
    "c": ("192.33.4.12", "2001:500:2::c"),
    "d": ("199.7.91.13", "2001:500:2d::d"),
    "e": ("192.203.230.10", "2001:500:a8::e"),
    "f": ("192.5.5.241", "2001:500:2f::f"),
    "g": ("192.112.36.4", "2001:500:12::d0d"),
    "h": ("198.97.190.53", "2001:500:1::53"),
    "i": ("192.36.148.17", "2001:7fe::53"),
    "j": ("192.58.128.30", "2001:503:c27::2:30"),
    "k": ("193.0.14.129", "2001:7fd::1"),
    "l": ("199.7.83.42", "2001:500:9f::42"),
    "m": ("202.12.27.33", "2001:dc3::35"),
}
ROOTS = tuple(
    Nameserver(name=f"{letter}.root-servers.net", address=address)
    for letter, addresses in _ROOTS.items()
    for address in addresses
)


@dataclass(frozen=True, kw_only=True)
class ResolutionSettings:
    """How names are looked up.

    Walks begin at `roots`, or at the servers of the closest zone in `delegations`, which are known without a walk. All
    other servers are asked at `port`, and only at public addresses unless `allow_private`: who delegates a zone to
    127.0.0.1 or 10.0.0.1 would send Berth into its own network. `timeout_s` is for one question to one server,
    `deadline_s` for everything that one call of `Resolution` asks.
    """

    # None: names are looked up at the `delegations` alone.
    roots: tuple[Nameserver, ...] = ROOTS
    port: int = 53
    allow_private: bool = False
    timeout_s: float = 2.0
    deadline_s: float = 10.0
    delegations: Mapping[str, tuple[Nameserver, ...]] = field(default_factory=dict)


def resolution_from_settings(*, delegations: Mapping[str, Sequence[Nameserver]] | None = None) -> "Resolution":
    """`delegations`: the servers of zones whose operator has named them. Raises `OperatorError` for a setting that is
    no list of addresses."""
    return Resolution(
        ResolutionSettings(
            roots=roots_from_settings(),
            port=django_settings.DNS_PORT,
            allow_private=django_settings.DNS_ALLOW_PRIVATE,
            timeout_s=django_settings.DNS_TIMEOUT_S,
            deadline_s=django_settings.DNS_DEADLINE_S,
            delegations={zone: tuple(servers) for zone, servers in (delegations or {}).items()},
        )
    )


def roots_from_settings() -> tuple[Nameserver, ...]:
    """Where lookups begin; nowhere in an installation that looks up no outside names."""
    named = _nameservers("BERTH_DNS_ROOTS", django_settings.DNS_ROOTS)
    return (named or ROOTS) if are_names_looked_up() else ()


def resolvers_from_settings() -> tuple[Nameserver, ...]:
    """Those that the operator wants asked besides; none by default."""
    return _nameservers("BERTH_DNS_RESOLVERS", django_settings.DNS_RESOLVERS)


def nameserver_from_text(text: str) -> Nameserver:
    """`192.0.2.53`, `192.0.2.53:5300`, `2001:db8::53` or `[2001:db8::53]:5300`. Raises `ValueError`."""
    found = re.fullmatch(
        r"\[([0-9a-fA-F:.]{2,45})\](?::([0-9]{1,5}))?|([0-9.]{7,15})(?::([0-9]{1,5}))?|(.{2,45})", text
    )
    if found is None:
        raise ValueError(f"{text[:80]!r} is no address")
    address = str(ipaddress.ip_address(found[1] or found[3] or found[5]))
    port = int(found[2] or found[4] or 53)
    if not 1 <= port <= 65535:
        raise ValueError(f"{port} is no port")
    return Nameserver(name=address, address=address, port=port)


def _nameservers(setting: str, texts: Collection[str]) -> tuple[Nameserver, ...]:
    try:
        return tuple(nameserver_from_text(text) for text in texts)
    except ValueError as exc:
        raise OperatorError(
            f"{setting}: {exc} (the operator must set addresses like 192.0.2.53:5300, with commas between)"
        ) from exc


class Resolution:
    """Each call asks anew and has a deadline of its own. Names are as in `RecordSet`; another is a `ValueError`."""

    def __init__(self, settings: ResolutionSettings) -> None:
        self._settings = settings

    def nameservers(self, name: str) -> tuple[str, tuple[Nameserver, ...]]:
        """The closest zone, and all addresses of all servers that it is delegated to.

        Addresses that may not be asked, or are IPv6 where this machine has none, are left out. Raises `LookupFailed`.
        """
        with Walk(self._settings) as walk:
            cut = walk.complete(walk.closest(_name(name)))
            if not cut.servers:
                reasons = "; ".join(f"{answer.server.name}: {answer.detail}" for answer in cut.unasked[:3])
                zone = text_of(cut.zone)
                detail = f"no server of {zone} can be asked ({reasons or 'it has none'})"
                raise LookupFailed(detail, Outcome.LAME, zone=zone, answers=cut.unasked)
            return text_of(cut.zone), cut.servers

    def observe(self, name: str, type_: str) -> Observation:
        """What every server of the name's zone says. Those that can't be asked, or don't answer, are among them."""
        with Walk(self._settings) as walk:
            return _observe(walk, name, type_)

    def follow(self, name: str, type_: str, *, until: Collection[str] = ()) -> tuple[Observation, ...]:
        """From `name` along its CNAMEs, across zones: the last observation has the addresses.

        It ends at a CNAME to a name in `until`, where servers disagree, and, with a `detail`, at a loop or after
        more than `MAX_LINKS` links.
        """
        links: list[Observation] = []
        seen = [canonical_name(name)]
        with Walk(self._settings) as walk:
            while True:
                link = _observe(walk, seen[-1], type_)
                links.append(link)
                target = cname_of(link)
                if not target or target in until or type_ == "CNAME":
                    return tuple(links)
                if target in seen:
                    detail = f"a CNAME loop: {' -> '.join([*seen[seen.index(target) :], target])}"
                elif len(links) > MAX_LINKS:
                    detail = f"more than {MAX_LINKS} CNAMEs one after the other"
                else:
                    seen.append(target)
                    continue
                links[-1] = replace(link, detail=detail[:500])
                return tuple(links)

    def ask(self, servers: Sequence[Nameserver], name: str, type_: str) -> Observation:
        """What these resolvers say, out of their caches or not, with the end of a chain of CNAMEs as its values."""
        with Walk(self._settings) as walk:
            answers = walk.ask_all(tuple(servers), _name(name), type_, zone=None)
        return Observation(name=canonical_name(name), type=type_, answers=answers)


def cname_of(observation: Observation) -> str:
    """Where all servers agree that the name points to."""
    return observation.answers[0].cname if observation.answers and observation.is_unanimous else ""


def _observe(walk: Walk, name: str, type_: str) -> Observation:
    found, name = _name(name), canonical_name(name)
    try:
        cut, fault = walk.servers_of(found)
    except LookupFailed as exc:
        return Observation(name=name, type=type_, zone=exc.zone, answers=exc.answers, detail=exc.detail)
    answers = walk.ask_all(cut.servers, found, type_, zone=cut.zone) if cut.servers else ()
    if not any(answer.outcome in HEARD for answer in answers):
        detail = fault or f"no server of {text_of(cut.zone)} answers for it"
    else:
        detail = ""
    return Observation(name=name, type=type_, zone=text_of(cut.zone), answers=(*answers, *cut.unasked), detail=detail)


def _name(name: str) -> dns.name.Name:
    return dns.name.from_text(canonical_name(name))

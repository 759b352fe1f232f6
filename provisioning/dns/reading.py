"""What a name server's message says: pure functions, which believe a server only what it can know."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from provisioning.dns.answers import Nameserver, Outcome, ServerAnswer
from provisioning.dns.records import TXT_STRING_BYTES, canonical_value

# Of a chain that one message holds: a resolver's answer.
MAX_LINKS = 8
MAX_DETAIL = 200
_OUTCOMES = {dns.rcode.SERVFAIL: Outcome.SERV_FAIL, dns.rcode.REFUSED: Outcome.REFUSED, dns.rcode.NOTAUTH: Outcome.LAME}
_ADDRESSES = ("A", "AAAA")


@dataclass(frozen=True, kw_only=True)
class Referral:
    """`zone` is with these servers. `glue` has addresses of those that the referring zone can speak of."""

    zone: dns.name.Name
    names: tuple[dns.name.Name, ...]
    glue: Mapping[dns.name.Name, tuple[str, ...]]


def text_of(name: dns.name.Name) -> str:
    """As in `RecordSet`; the root is a dot."""
    return name.to_text(omit_final_dot=True).lower()


def referral_of(message: dns.message.Message, *, name: dns.name.Name, zone: dns.name.Name) -> Referral | None:
    """Where the servers of `zone` send whoever asks for `name`: downward only, towards the name only."""
    if message.rcode() != dns.rcode.NOERROR or message.answer or _records(message.authority, "SOA"):
        return None
    owners = {rrset.name for rrset in _records(message.authority, "NS")}
    towards = [owner for owner in owners if is_below(owner, zone) and name.is_subdomain(owner)]
    if len(towards) != 1:
        return None
    return delegation_of(message, section=message.authority, owner=towards[0], zone=zone)


def delegation_of(
    message: dns.message.Message, *, section: list[dns.rrset.RRset], owner: dns.name.Name, zone: dns.name.Name
) -> Referral:
    """The NS records of `owner` in this section. Glue is taken for names in `zone` alone, whose servers sent it."""
    names = dict.fromkeys(rrset[0].target for rrset in _records(section, "NS") if rrset.name == owner)
    glue: dict[dns.name.Name, dict[str, None]] = {}
    for type_ in _ADDRESSES:
        for rrset in _records(message.additional, type_):
            if rrset.name in names and rrset.name.is_subdomain(zone):
                glue.setdefault(rrset.name, {})[_value(type_, rrset)] = None
    return Referral(zone=owner, names=tuple(names), glue={name: tuple(found) for name, found in glue.items()})


def apex_of(message: dns.message.Message, *, name: dns.name.Name, zone: dns.name.Name) -> dns.name.Name | None:
    """The zone that an authoritative answer to `name` is from, `zone` or one below it. None where it does not say.

    What comes with a CNAME may be about its target.
    """
    for rrset in _records(message.answer or message.authority, "SOA"):
        if name.is_subdomain(rrset.name) and rrset.name.is_subdomain(zone):
            return rrset.name
    return None


def is_authoritative(message: dns.message.Message) -> bool:
    return bool(message.flags & dns.flags.AA) and message.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}


def is_below(name: dns.name.Name, zone: dns.name.Name) -> bool:
    return name != zone and name.is_subdomain(zone)


def answer_of(
    message: dns.message.Message,
    *,
    server: Nameserver,
    name: dns.name.Name,
    type_: str,
    zone: dns.name.Name | None,
    took_ms: int,
) -> ServerAnswer:
    """What the server says. `zone` is what it should be authoritative for, None for a resolver."""

    def said(outcome: Outcome, detail: str = "", **fields: object) -> ServerAnswer:
        return ServerAnswer(server=server, outcome=outcome, detail=detail[:MAX_DETAIL], took_ms=took_ms, **fields)  # type: ignore[arg-type]

    rcode = message.rcode()
    if rcode not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        return said(_OUTCOMES.get(rcode, Outcome.SERV_FAIL), f"it says {dns.rcode.to_text(rcode)}")
    if zone is not None and not is_authoritative(message):
        return said(Outcome.LAME, _lameness(message, zone))
    if zone is not None and _is_from_elsewhere(message, name=name, zone=zone):
        return said(Outcome.LAME, f"it answers for another zone than {text_of(zone)}")
    owner, aliases = name, list[dns.name.Name]()
    found = _at(message, owner, type_)
    links = _at(message, owner, "CNAME") if type_ != "CNAME" else found
    if len(links) > 1 or (found and links and type_ != "CNAME"):
        return said(Outcome.MALFORMED, f"{text_of(name)} is a CNAME and more than that")
    while links and len(aliases) < MAX_LINKS:
        owner = links[0][0].target
        aliases.append(owner)
        # An authoritative server knows nothing of where its zone's CNAMEs lead.
        if zone is not None or type_ == "CNAME":
            break
        found, links = _at(message, owner, type_), _at(message, owner, "CNAME")
    try:
        values = () if aliases and (zone is not None or type_ == "CNAME") else _values(type_, found)
        cname = canonical_value("CNAME", text_of(aliases[0])) if aliases else ""
    except ValueError as exc:
        return said(Outcome.MALFORMED, str(exc))
    if aliases and type_ == "CNAME":
        values = (cname,)
    if cname or values:
        records = found or _at(message, name, "CNAME")
        detail = ""
        if cname and name == zone:
            detail = f"{text_of(name)} is the top of its zone: a CNAME there hides the zone's own records"
        return said(Outcome.ANSWER, detail, values=values, cname=cname, ttl_s=min(rrset.ttl for rrset in records))
    return said(Outcome.NX_DOMAIN if rcode == dns.rcode.NXDOMAIN else Outcome.NO_DATA)


def _is_from_elsewhere(message: dns.message.Message, *, name: dns.name.Name, zone: dns.name.Name) -> bool:
    """Whether it says no in the name of a zone above, or beside: servers of parked names do."""
    signed = _records(message.authority, "SOA")
    return not message.answer and bool(signed) and apex_of(message, name=name, zone=zone) is None


def _lameness(message: dns.message.Message, zone: dns.name.Name) -> str:
    owners = sorted({text_of(rrset.name) for rrset in _records(message.authority, "NS")})
    if owners and not message.answer:
        return f"it does not hold {text_of(zone)}, and refers to the servers of {owners[0]}"
    return f"it answers without authority for {text_of(zone)}"


def _records(section: list[dns.rrset.RRset], type_: str) -> list[dns.rrset.RRset]:
    wanted = dns.rdatatype.from_text(type_)
    return [rrset for rrset in section if rrset.rdtype == wanted and rrset.rdclass == dns.rdataclass.IN and len(rrset)]


def _at(message: dns.message.Message, name: dns.name.Name, type_: str) -> list[dns.rrset.RRset]:
    return [rrset for rrset in _records(message.answer, type_) if rrset.name == name]


def _values(type_: str, records: list[dns.rrset.RRset]) -> tuple[str, ...]:
    return tuple(sorted({_value(type_, rrset) for rrset in records}))


def _value(type_: str, rrset: dns.rrset.RRset) -> str:
    rdata = rrset[0]
    if type_ == "TXT":
        return _txt(b"".join(rdata.strings))
    if type_ in _ADDRESSES:
        return str(ipaddress.ip_address(rdata.address))
    return rdata.to_text()[:TXT_STRING_BYTES].lower()


def _txt(content: bytes) -> str:
    """As in a `RecordSet`, or, of what none could have, a part that ends in an ellipsis and so equals none."""
    text = content.decode("latin-1")
    if text.isascii() and text.isprintable() and len(text) <= TXT_STRING_BYTES:
        return text
    shown = "".join(char if char.isascii() and char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return shown[: TXT_STRING_BYTES - 1] + "\N{HORIZONTAL ELLIPSIS}"

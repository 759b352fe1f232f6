"""The messages of dynamic update, and record sets in dnspython's form: pure."""

from collections.abc import Collection, Sequence

import dns.name
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.update

from provisioning.dns.presentation import from_presentation, to_presentation
from provisioning.dns.providers.changes import removals_first
from provisioning.dns.records import Change, RecordSet, is_in_zone

# What may stand beside an address; some servers pass over an alias beside one of these without a word.
NEIGHBOURS = (
    "A", "AAAA", "TXT", "MX", "NS", "SRV", "CAA", "PTR", "DNAME", "HTTPS", "SVCB", "TLSA", "SSHFP", "NAPTR", "LOC",
)  # fmt: skip
# Made by a server that signs the zone, and by nobody else.
GENERATED = {dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.NSEC3}

Key = tuple[str, str]
Found = dict[Key, dns.rdataset.Rdataset]


def update_message(zone: str, changes: Sequence[Change], found: Found) -> dns.update.UpdateMessage:
    """One message for all changes. `found` is what is there in the server's own form, where that is known."""
    update = dns.update.UpdateMessage(dns.name.from_text(zone))
    changed = {change.key for change in changes}
    for change in removals_first(changes):
        name, type_ = dns.name.from_text(change.key[0]), change.key[1]
        if change.before is not None:
            was = found[change.key] if change.key in found else _rdataset(change.before)
            # One by one they get the TTL that a prerequisite must have: 0.
            update.present(name, *was)
            update.delete(name, type_)
        else:
            _make_absent(update, change.key, changed)
        if change.after is not None:
            update.add(name, _rdataset(change.after))
    return update


def _make_absent(update: dns.update.UpdateMessage, key: Key, changed: Collection[Key]) -> None:
    """Makes it a prerequisite that there is no such record set, nor any that it can't stand beside.

    Servers pass over what would stand beside an alias, and say that all is done.
    """
    name = dns.name.from_text(key[0])
    if key[1] != "CNAME":
        others: Sequence[str] = ("CNAME",)
    elif any(other != key and other[0] == key[0] for other in changed):
        # Something there makes room for the alias in the same message.
        others = NEIGHBOURS
    else:
        update.absent(name)
        return
    update.absent(name, key[1])
    for other in others:
        if (key[0], other) not in changed:
            update.absent(name, other)


def presence(zone: str, key: Key, rdataset: dns.rdataset.Rdataset) -> dns.update.UpdateMessage:
    """A message that asks whether this record set is in the zone exactly so, and changes nothing."""
    update = dns.update.UpdateMessage(dns.name.from_text(zone))
    update.present(dns.name.from_text(key[0]), *rdataset)
    return update


def wildcards_over(zone: str, name: str) -> list[str]:
    """The wildcards of the zone that can answer for the name (RFC 4592)."""
    found = []
    while is_in_zone(name, zone) and name != zone:
        name = name.partition(".")[2]
        found.append(f"*.{name}")
    return found


def _rdataset(record: RecordSet) -> dns.rdataset.Rdataset:
    texts = [to_presentation(record.type, value) for value in record.values]
    return dns.rdataset.from_text_list(dns.rdataclass.IN, record.type, record.ttl_s, texts)


def record_set_of(key: Key, rdataset: dns.rdataset.Rdataset) -> RecordSet:
    values = {from_presentation(key[1], rdata.to_text()) for rdata in rdataset}
    return RecordSet(*key, tuple(sorted(values)), rdataset.ttl)


def gather(found: Found, rrset: dns.rrset.RRset) -> None:
    """A record set may come in parts, in answers to several questions, and in any letters."""
    if rrset.rdtype in GENERATED:
        return
    key = (rrset.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(rrset.rdtype))
    if key in found:
        found[key].union_update(rrset)
    else:
        found[key] = rrset

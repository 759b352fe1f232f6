"""Amazon Route 53, 2013-04-01, as documented: https://docs.aws.amazon.com/Route53/latest/APIReference/"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote
from xml.etree import ElementTree as Xml
from xml.sax.saxutils import escape

from provisioning.dns.presentation import from_presentation
from tests.contracts.dns.vendors.server import Answer, Asked, VendorApi

NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
ROOT = "/2013-04-01"


@dataclass
class Rrset:
    name: str
    type: str
    ttl: int
    values: list[str]
    identifier: str = ""
    weight: int = 0
    alias: str = ""

    @property
    def order(self) -> tuple[list[str], str, str]:
        return self.name.split(".")[::-1], self.type, self.identifier


@dataclass
class HostedZone:
    id: str
    name: str
    is_private: bool = False
    rrsets: list[Rrset] = field(default_factory=list)


class Route53Api(VendorApi):
    """Checks each signature (version 4) by itself. Pages have at most `most` record sets."""

    def __init__(self, key_id: str, secret: str) -> None:
        super().__init__()
        self.key_id, self.secret = key_id, secret
        self.hosted: list[HostedZone] = []
        self.most = 300

    def zone(self, name: str, *, is_private: bool = False) -> HostedZone:
        self.hosted.append(HostedZone(f"Z{len(self.hosted) + 1:013}", name, is_private))
        return self.hosted[-1]

    def published(self, name: str, type_: str) -> list[str]:
        found = [rrset for zone in self.hosted for rrset in zone.rrsets if (rrset.name, rrset.type) == (name, type_)]
        return sorted(from_presentation(type_, value) for rrset in found for value in rrset.values)

    def answer(self, asked: Asked) -> Answer:
        if f"Credential={self.key_id}/" not in asked.headers.get("authorization", ""):
            return refusal("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
        if not self._is_signed(asked):
            said = "The request signature we calculated does not match the signature you provided."
            return refusal("SignatureDoesNotMatch", said, 403)
        if asked.path == f"{ROOT}/hostedzone":
            return self._zones(asked, sorted(self.hosted, key=lambda zone: zone.id), asked.query.get("marker", ""))
        if asked.path == f"{ROOT}/hostedzonesbyname":
            start = asked.query.get("dnsname", "").split(".")[::-1]
            found = sorted(self.hosted, key=lambda zone: zone.name.split(".")[::-1])
            return self._by_name([zone for zone in found if zone.name.split(".")[::-1] >= start], asked)
        match = re.fullmatch(rf"{ROOT}/hostedzone/(\w+)/rrset/?", asked.path)
        zone = next((zone for zone in self.hosted if match and zone.id == match[1]), None)
        if zone is None:
            return refusal("NoSuchHostedZone", "No hosted zone found with this ID", 404)
        return self._change(zone, asked.body) if asked.method == "POST" else self._rrsets(zone, asked.query)

    def _zones(self, asked: Asked, zones: list[HostedZone], marker: str) -> Answer:
        size = min(int(asked.query.get("maxitems", 100)), 100)
        zones = [zone for zone in zones if zone.id >= marker]
        following = f"<NextMarker>{zones[size].id}</NextMarker>" if len(zones) > size else ""
        more = f"<IsTruncated>{str(bool(following)).lower()}</IsTruncated>{following}<MaxItems>{size}</MaxItems>"
        return xml("ListHostedZonesResponse", f"<Marker>{marker}</Marker>{_zones_xml(zones[:size])}{more}")

    def _by_name(self, zones: list[HostedZone], asked: Asked) -> Answer:
        size = min(int(asked.query.get("maxitems", 100)), 100)
        more = f"<IsTruncated>{str(len(zones) > size).lower()}</IsTruncated><MaxItems>{size}</MaxItems>"
        return xml("ListHostedZonesByNameResponse", _zones_xml(zones[:size]) + more)

    def _rrsets(self, zone: HostedZone, query: dict[str, str]) -> Answer:
        size = min(int(query.get("maxitems", 300)), self.most)
        start = query.get("name", "").removesuffix(".").replace("\\052", "*").split(".")[::-1]
        first = (start if query.get("name") else [], query.get("type", ""), query.get("identifier", ""))
        found = [rrset for rrset in sorted(zone.rrsets, key=lambda rrset: rrset.order) if rrset.order >= first]
        more = f"<IsTruncated>{str(len(found) > size).lower()}</IsTruncated><MaxItems>{size}</MaxItems>"
        if len(found) > size:
            after = found[size]
            more += f"<NextRecordName>{_wire(after.name)}</NextRecordName><NextRecordType>{after.type}</NextRecordType>"
            if after.identifier:
                more += f"<NextRecordIdentifier>{after.identifier}</NextRecordIdentifier>"
        items = "".join(_rrset_xml(rrset) for rrset in found[:size])
        return xml("ListResourceRecordSetsResponse", f"<ResourceRecordSets>{items}</ResourceRecordSets>{more}")

    def _change(self, zone: HostedZone, body: bytes) -> Answer:
        """One after the other on a copy, which counts where none is wrong."""
        rrsets, faults, values = list(zone.rrsets), [], []
        for change in _parsed(body).iter(f"{{{NAMESPACE}}}Change"):
            action, wanted = change.findtext(f"{{{NAMESPACE}}}Action"), _read(change)
            values += wanted.values
            there = next((rrset for rrset in rrsets if rrset.order == wanted.order), None)
            what = f"resource record set [name='{_wire(wanted.name)}', type='{wanted.type}']"
            if action == "DELETE" and there is None:
                faults.append(f"Tried to delete {what} but it was not found")
            elif action == "DELETE" and there is not None:
                if (there.ttl, sorted(there.values)) != (wanted.ttl, sorted(wanted.values)):
                    faults.append(f"Tried to delete {what} but the values provided do not match the current values")
                else:
                    rrsets.remove(there)
            elif there is not None:
                faults.append(f"Tried to create {what} but it already exists")
            else:
                types = {rrset.type for rrset in rrsets if rrset.name == wanted.name}
                if "CNAME" in types or (types and wanted.type == "CNAME"):
                    faults.append(
                        f"RRSet of type {wanted.type} with DNS name {_wire(wanted.name)} is not permitted as it "
                        f"conflicts with other records with the same DNS name in zone {zone.name}."
                    )
                rrsets.append(wanted)
        if len(values) > 1_000 or sum(map(len, values)) > 32_000:
            faults.append("Number of records or of characters in the batch exceeds the limit")
        if faults:
            return refusal("InvalidChangeBatch", f"[{', '.join(faults)}]")
        zone.rrsets = rrsets
        info = "<Id>/change/C1</Id><Status>PENDING</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt>"
        return xml("ChangeResourceRecordSetsResponse", f"<ChangeInfo>{info}</ChangeInfo>")

    def _is_signed(self, asked: Asked) -> bool:
        """Signature version 4 of AWS."""
        parts = dict(re.findall(r"(Credential|SignedHeaders|Signature)=([^,]+)", asked.headers["authorization"]))
        _id, day, region, service, _end = parts["Credential"].split("/")
        names = parts["SignedHeaders"].split(";")
        query = "&".join(
            f"{quote(key, safe='-_.~')}={quote(asked.query[key], safe='-_.~')}" for key in sorted(asked.query)
        )
        canonical = "\n".join(
            [
                asked.method,
                quote(unquote(asked.path), safe="/-_.~"),
                query,
                *(f"{name}:{asked.headers[name].strip()}" for name in names),
                "",
                parts["SignedHeaders"],
                hashlib.sha256(asked.body).hexdigest(),
            ]
        )
        scope = f"{day}/{region}/{service}/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{asked.headers['x-amz-date']}\n{scope}\n"
        to_sign += hashlib.sha256(canonical.encode()).hexdigest()
        key = f"AWS4{self.secret}".encode()
        for part in (day, region, service, "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest() == parts["Signature"]


def _parsed(body: bytes) -> Xml.Element:
    return Xml.fromstring(body)  # noqa: S314, what our own provider sent


def _read(change: Xml.Element) -> Rrset:
    def text(name: str) -> str:
        return change.findtext(f".//{{{NAMESPACE}}}{name}") or ""

    values = [value.text or "" for value in change.iter(f"{{{NAMESPACE}}}Value")]
    name = text("Name").removesuffix(".").lower().replace("\\052", "*")
    return Rrset(name, text("Type"), int(text("TTL") or 0), values, text("SetIdentifier"))


def _wire(name: str) -> str:
    return f"{name}.".replace("*", "\\052")


def _zones_xml(zones: list[HostedZone]) -> str:
    items = "".join(
        f"<HostedZone><Id>/hostedzone/{zone.id}</Id><Name>{zone.name}.</Name><CallerReference>1</CallerReference>"
        f"<Config><PrivateZone>{str(zone.is_private).lower()}</PrivateZone></Config></HostedZone>"
        for zone in zones
    )
    return f"<HostedZones>{items}</HostedZones>"


def _rrset_xml(rrset: Rrset) -> str:
    body = f"<Name>{_wire(rrset.name)}</Name><Type>{rrset.type}</Type>"
    if rrset.identifier:
        body += f"<SetIdentifier>{rrset.identifier}</SetIdentifier><Weight>{rrset.weight}</Weight>"
    if rrset.alias:
        target = f"<HostedZoneId>Z2</HostedZoneId><DNSName>{rrset.alias}</DNSName>"
        body += f"<AliasTarget>{target}<EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>"
    else:
        values = "".join(f"<ResourceRecord><Value>{escape(value)}</Value></ResourceRecord>" for value in rrset.values)
        body += f"<TTL>{rrset.ttl}</TTL><ResourceRecords>{values}</ResourceRecords>"
    return f"<ResourceRecordSet>{body}</ResourceRecordSet>"


def xml(root: str, body: str, status: int = 200, **headers: str) -> Answer:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NAMESPACE}">{body}</{root}>'
    return Answer(text, status, {"Content-Type": "text/xml", **headers})


def refusal(code: str, message: str, status: int = 400, **headers: str) -> Answer:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return xml("ErrorResponse", f"{error}<RequestId>1</RequestId>", status, **headers)

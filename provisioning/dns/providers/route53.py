"""Amazon Route 53, through boto3 as lexicon talks to it. https://docs.aws.amazon.com/Route53/latest/APIReference/

Route 53 knows record sets, and changes many of them in one call, all or none, which fails where one is not what it was
said to be. lexicon makes single records of them, reads the zone before each change, writes a change back over what
another program wrote in between, and answers a refusal with `False`. So of lexicon its client is what is used.
"""

import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import create_loader

from provisioning.dns.presentation import from_presentation, to_presentation
from provisioning.dns.protocol import Capabilities, ProviderSetting
from provisioning.dns.providers.changes import by_key, ensure, names_within, outstanding, refuse_unfit, remove
from provisioning.dns.providers.lexicon_records import shown_name
from provisioning.dns.providers.settings import TIMEOUT, checked, timeout_of
from provisioning.dns.providers.vendor import Vendor, VendorSession, checked_endpoint, vendor_call
from provisioning.dns.records import Change, RecordSet
from provisioning.exceptions import OperatorError, ProvisioningError

_WRONG_KEY = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignature",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_BUSY = {"PriorRequestNotComplete", "RequestLimitExceeded", "ThrottledException", "Throttling", "ThrottlingException"}
# The API's description, read once.
_LOADER = create_loader()
# How InvalidChangeBatch says that something is not what it was said to be.
_MISMATCH = re.compile(r"was not found|do not match the current values|already exists")
# What makes a record set more than a name, a type, values and a TTL.
_ROUTING = ("SetIdentifier", "AliasTarget", "HealthCheckId", "TrafficPolicyInstanceId", "GeoProximityLocation")
_NEXT = ("RecordName", "RecordType", "RecordIdentifier")
# Enough for all types of one name.
_FEW = "20"
# Above as many names, reading the whole zone in pages of 300 costs fewer calls.
_FEW_NAMES = 3
# A record set that goes and one that comes, as Route 53 writes them.
_Pair = tuple[dict[str, Any] | None, dict[str, Any] | None]


class Route53:
    """Public hosted zones. Changes are atomic and guarded: one call, which says itself what was there."""

    name: ClassVar[str] = "route53"
    label: ClassVar[str] = "Route 53"
    settings: ClassVar[Sequence[ProviderSetting]] = (
        ProviderSetting(name="access_key_id", help="the id of an IAM user's access key"),
        ProviderSetting(name="secret_access_key", help="the secret of that access key", is_secret=True),
        ProviderSetting(name="endpoint", help="the address of the API", default="https://route53.amazonaws.com"),
        TIMEOUT,
    )
    # A call takes 1,000 values and 32,000 characters of them, both of what goes and of what comes. Of the 10 calls a
    # second that an account may make, this is a half.
    capabilities = Capabilities(
        batch_size=50, is_atomic=True, is_guarded=True, lists_names=True, rate_per_s=5, burst=20
    )

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = checked(self.settings, values)
        secrets = [self.values["secret_access_key"]]
        self.vendor = Vendor(self.label, secrets, timeout_s=timeout_of(self.values), default_wait_s=5)
        self._session = VendorSession(self.vendor)
        self._client = self._boto_client(checked_endpoint(self.values["endpoint"]))
        self._zone_ids: dict[str, str] = {}
        self.calls = 0

    def __repr__(self) -> str:
        return "<Route53>"

    @vendor_call("listing zones")
    def zones(self) -> list[str]:
        return sorted({_name(zone["Name"]) for zone in self._zones()})

    @vendor_call("listing the records of")
    def list_records(self, zone: str, *, names: Collection[str] | None = None) -> list[RecordSet]:
        return _shown(self._find(zone, names))

    def ensure_record(self, zone: str, record: RecordSet) -> None:
        ensure(self, zone, record)

    def remove_record(self, zone: str, record: RecordSet) -> None:
        remove(self, zone, record)

    @vendor_call("changing records of")
    def apply(self, zone: str, changes: Sequence[Change]) -> None:
        refuse_unfit(zone, changes, batch_size=self.capabilities.batch_size)
        if not changes or self._change(zone, [(_rrset(change.before), _rrset(change.after)) for change in changes]):
            return
        # Something is not what it was: what is in force already is as good, and the rest is tried once more.
        there = self._find(zone, {change.key[0] for change in changes})
        pairs: list[_Pair] = []
        for change in outstanding(zone, changes, by_key(_shown(there))):
            present = [item for item in there if _key(item) == change.key]
            pairs.append((self._plain(present), _rrset(change.after)))
        if pairs and not self._change(zone, pairs):
            raise self.vendor.changed()

    @vendor_call("checking the account")
    def check(self) -> None:
        if not self._zones():
            raise OperatorError(
                "the account at Route 53 holds no public hosted zone: an operator must make one there, or give the "
                "IAM user the right to see it"
            )

    def failure(self, exc: Exception) -> ProvisioningError:
        """What boto3 raised, in our words."""
        if isinstance(exc, ClientError):
            error, meta = exc.response.get("Error", {}), exc.response.get("ResponseMetadata", {})
            code, status = str(error.get("Code")), int(meta.get("HTTPStatusCode") or 0)
            if code in _BUSY or status == 429:
                return self.vendor.limited((meta.get("HTTPHeaders") or {}).get("retry-after"))
            if status >= 500:
                return self.vendor.unavailable(f"answered {status}")
            if code in _WRONG_KEY or status in (401, 403):
                return self.vendor.unauthorized(
                    "set the access key of an IAM user who may list hosted zones and record sets and change record "
                    f"sets ({self.vendor.quoted(code)})"
                )
            return self.vendor.refused(f"{error.get('Message')} ({code})")
        if isinstance(exc, BotoCoreError):
            return self.vendor.unavailable(f"did not answer ({type(exc).__name__})")
        return self.vendor.unavailable(f"answered in another form than it documents ({type(exc).__name__})")

    def _boto_client(self, endpoint: str) -> Any:
        # A botocore session of its own, without the profiles and files that the environment may name.
        session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        session.register_component("data_loader", _LOADER)
        session.set_config_variable("config_file", "/dev/null")
        session.set_config_variable("credentials_file", "/dev/null")
        client = boto3.session.Session(
            aws_access_key_id=self.values["access_key_id"],
            aws_secret_access_key=self.values["secret_access_key"],
            region_name="us-east-1",
            botocore_session=session,
        ).client(
            "route53",
            endpoint_url=endpoint,
            # Who calls paces itself.
            config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
        )
        client.meta.events.register("before-send.route53", self._send)
        return client

    def _send(self, request: AWSPreparedRequest, **_kwargs: Any) -> AWSResponse:
        """In the place of boto3's own HTTP, whose answers have no limit of size, and of time only from byte to byte."""
        headers = {name: text.decode() if isinstance(text, bytes) else text for name, text in request.headers.items()}
        answer = self._session.request(
            request.method, request.url, data=request.body, headers=headers, allow_redirects=False
        )
        return AWSResponse(request.url, answer.status_code, answer.headers, _Body(answer.content))

    def _zones(self) -> list[dict[str, Any]]:
        zones: list[dict[str, Any]] = []
        page: dict[str, Any] = {"IsTruncated": True}
        while page["IsTruncated"]:
            page = self._client.list_hosted_zones(**({"Marker": page["NextMarker"]} if "NextMarker" in page else {}))
            zones += [zone for zone in page["HostedZones"] if not zone["Config"]["PrivateZone"]]
        return zones

    def _zone_id(self, zone: str) -> str:
        if zone not in self._zone_ids:
            page = self._client.list_hosted_zones_by_name(DNSName=zone, MaxItems=_FEW)
            named = [item for item in page["HostedZones"] if _name(item["Name"]) == zone]
            ids = [item["Id"] for item in named if not item["Config"]["PrivateZone"]]
            if not ids:
                raise self.vendor.no_zone(zone)
            if len(ids) > 1:
                raise OperatorError(
                    f"the account at Route 53 holds {len(ids)} public hosted zones {zone}: an operator must remove "
                    "those that are not delegated to"
                )
            self._zone_ids[zone] = ids[0]
        return self._zone_ids[zone]

    def _find(self, zone: str, names: Collection[str] | None) -> list[dict[str, Any]]:
        wanted = None if names is None else names_within(zone, names)
        if wanted == []:
            return []
        zone_id = self._zone_id(zone)
        if wanted is None or len(wanted) > _FEW_NAMES:
            return [item for item in self._pages(zone_id) if wanted is None or _name(item["Name"]) in wanted]
        found = []
        for name in wanted:
            for item in self._pages(zone_id, StartRecordName=name, MaxItems=_FEW):
                if _name(item["Name"]) != name:  # they come in order, and the name's own first
                    break
                found.append(item)
        return found

    def _pages(self, zone_id: str, **start: str) -> Iterable[dict[str, Any]]:
        """lexicon's paginator forgets NextRecordIdentifier, and repeats itself within a routing policy."""
        while True:
            page = self._client.list_resource_record_sets(HostedZoneId=zone_id, **start)
            yield from page["ResourceRecordSets"]
            if not page["IsTruncated"]:
                return
            start = {f"Start{key}": page[f"Next{key}"] for key in _NEXT if f"Next{key}" in page}

    def _plain(self, present: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        """The one record set of a name and type, as Route 53 wrote it, where that is all there is to it."""
        for item in present:
            if any(key in item for key in _ROUTING):
                raise OperatorError(
                    f"the {item['Type']} record {_name(item['Name'])} is an alias or has a routing policy, which Berth "
                    "can't keep: an operator must remove it at Route 53, or choose another name"
                )
        return present[0] if present else None

    def _change(self, zone: str, pairs: Sequence[_Pair]) -> bool:
        """From the first to the second of each, all or none. False where one of the first is not what is there."""
        zone_id = self._zone_id(zone)
        changes = [
            {"Action": action, "ResourceRecordSet": item}
            for pair in pairs
            for action, item in zip(("DELETE", "CREATE"), pair, strict=True)
            if item
        ]
        try:
            self._client.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes})
        except ClientError as exc:
            if exc.response.get("Error", {}).get("Code") == "InvalidChangeBatch" and _MISMATCH.search(str(exc)):
                return False
            raise
        return True


class _Body(io.BytesIO):
    def stream(self) -> Iterable[bytes]:
        yield self.read()


def _rrset(record: RecordSet | None) -> dict[str, Any] | None:
    if record is None:
        return None
    values = [to_presentation(record.type, value) for value in record.values]
    return {
        "Name": f"{record.name}.",
        "Type": record.type,
        "TTL": record.ttl_s,
        "ResourceRecords": [{"Value": value} for value in values],
    }


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return _name(item["Name"]), item["Type"]


def _name(name: str) -> str:
    r"""Route 53 writes `*` as `\052`."""
    return shown_name(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), name))


def _shown(items: Iterable[Mapping[str, Any]]) -> list[RecordSet]:
    """Record sets of one name and type with a routing policy are shown as one; an alias by its target, without TTL."""
    sets: dict[tuple[str, str], tuple[set[str], int]] = {}
    for item in items:
        values = [record["Value"] for record in item.get("ResourceRecords", [])]
        if "AliasTarget" in item:
            values.append(item["AliasTarget"]["DNSName"])
        known, ttl_s = sets.get(_key(item), (set(), 7 * 86_400))
        known |= {from_presentation(item["Type"], value) for value in values}
        sets[_key(item)] = known, min(ttl_s, item.get("TTL", 0))
    return sorted(RecordSet(*key, tuple(sorted(values)), ttl_s) for key, (values, ttl_s) in sets.items())

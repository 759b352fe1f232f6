"""Alibaba Cloud DNS, through lexicon, with an AccessKey. https://www.alibabacloud.com/help/en/dns/"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from lexicon._private.providers.aliyun import Provider as LexiconAliyun
from lexicon.config import ConfigResolver

from provisioning.dns.protocol import Capabilities, ProviderSetting
from provisioning.dns.providers.lexicon_records import LexiconRecords, shown_name
from provisioning.dns.providers.settings import TIMEOUT
from provisioning.dns.providers.vendor import VendorSession

# The maxima of DescribeDomainRecords and DescribeDomains; without them, 20 are given and no more.
RECORDS_PER_PAGE = 500
ZONES_PER_PAGE = 100

# The codes begin so: https://api.alibabacloud.com/document/Alidns/2015-01-09/errorCode
_WRONG_KEY = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "IncompleteSignature", "Forbidden", "NoPermission")
_NO_ZONE = ("InvalidDomainName.NoExist", "IncorrectDomainUser")
_CHANGED = ("DomainRecordDuplicate", "DomainRecordNotBelongToUser", "InvalidRecordId")
_BUSY = ("ServiceUnavailable", "InternalError", "UnKnownError", "LastOperationNotFinished")


class _Api(LexiconAliyun):
    """lexicon's Alibaba Cloud DNS with our session, all pages, and signatures that are taken.

    lexicon signs with a time that ends in `+00:00Z` and writes a space as `+`, both of which the vendor refuses, puts
    the key and the signature into the URL, reads the first 20 records, and leaves a record alone whose value is right
    though its TTL is not. The parameters go as a form instead (RPC style, POST), so that URLs have nothing in them:
    https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism
    """

    def __init__(self, config: ConfigResolver, session: VendorSession, endpoint: str) -> None:
        super().__init__(config)
        self.session = session
        self.endpoint = endpoint

    def _request_aliyun(self, action: str, query_params: dict[str, Any] | None = None) -> dict[str, Any]:
        form = {
            "Action": action,
            "Version": "2015-01-09",
            "Format": "JSON",
            "AccessKeyId": self._get_provider_option("auth_key_id"),
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureNonce": str(uuid.uuid4()),
            "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            **({"DomainName": self.domain} if self.domain else {}),
            **(query_params or {}),
        }
        form["Signature"] = self._calculate_signature("POST", form)
        response = self.session.post(f"{self.endpoint}/", data=form)
        payload = self.session.json_object(response)
        if response.status_code != 200:
            self._raise(str(payload.get("Code")), payload.get("Message"))
        return payload

    def _calculate_signature(self, http_method: str, query_params: dict[str, Any]) -> str:
        query = "&".join(f"{_encoded(key)}={_encoded(value)}" for key, value in sorted(query_params.items()))
        secret = f"{self._get_provider_option('auth_secret')}&"
        signed = hmac.new(secret.encode(), f"{http_method}&%2F&{_encoded(query)}".encode(), hashlib.sha1)
        return base64.b64encode(signed.digest()).decode()

    def _raise(self, code: str, message: object) -> None:
        vendor = self.session.vendor
        if code.startswith("Throttling"):
            raise vendor.limited()
        if code.startswith("InvalidTimeStamp"):
            raise vendor.refused("this machine's clock is wrong, it says")
        if code.startswith(_WRONG_KEY):
            # Without its message, which repeats all that was signed.
            raise vendor.unauthorized(
                f"set an AccessKey of a RAM user with AliyunDNSFullAccess ({vendor.quoted(code)})"
            )
        if code.startswith(_NO_ZONE):
            raise vendor.no_zone(self.domain)
        if code.startswith(_CHANGED):
            raise vendor.changed()
        if code.startswith(_BUSY):
            raise vendor.unavailable(f"answered {vendor.quoted(code)}")
        raise vendor.refused(f"{message} ({code})")

    def _relative_name(self, record_name: str) -> str:
        return record_name.removesuffix(self.domain).removesuffix(".") or "@"

    def pages(self, action: str, group: str, key: str, size: int, **query: Any) -> Iterable[dict[str, Any]]:
        seen, number = 0, 1
        while True:
            payload = self._request_aliyun(action, {**query, "PageNumber": number, "PageSize": size})
            page = payload[group][key]
            yield from page
            seen, number = seen + len(page), number + 1
            if not page or seen >= payload["TotalCount"]:
                return

    def list_records(self, rtype: Any = None, name: Any = None, content: Any = None) -> list[dict[str, Any]]:
        """Of one name by DescribeSubDomainRecords, which compares it whole: RRKeyWord finds all that contain it."""
        action, query = "DescribeDomainRecords", {}
        if name:
            action, query = "DescribeSubDomainRecords", {"SubDomain": f"{self._relative_name(name)}.{self.domain}"}
        pages = self.pages(action, "DomainRecords", "Record", RECORDS_PER_PAGE, **query)
        return [self._record(record) for record in pages]

    def _record(self, record: dict[str, Any]) -> dict[str, Any]:
        host = record["RR"]
        return {
            "id": record["RecordId"],
            "type": record["Type"],
            "name": self.domain if host == "@" else f"{host}.{self.domain}",
            "ttl": record["TTL"],
            "content": record["Value"],
            "is_off": str(record.get("Status", "ENABLE")).upper() != "ENABLE",
            "obstacle": _obstacle(record),
        }

    def create_record(self, rtype: str, name: str, content: str) -> bool:
        """lexicon looks first whether it is there; so did we."""
        self._request_aliyun("AddDomainRecord", self._fields(rtype, name, content))
        return True

    def update_record(self, identifier: Any = None, rtype: Any = None, name: Any = None, content: Any = None) -> bool:
        self._request_aliyun("UpdateDomainRecord", {"RecordId": identifier, **self._fields(rtype, name, content)})
        return True

    def _fields(self, rtype: str, name: str, content: str) -> dict[str, Any]:
        ttl = self._get_lexicon_option("ttl")
        return {"RR": self._relative_name(name), "Type": rtype, "Value": content, "TTL": ttl}


class Aliyun(LexiconRecords):
    """One call for each record. The vendor's batch is a job that goes on after its answer: not used."""

    name: ClassVar[str] = "aliyun"
    label: ClassVar[str] = "Alibaba Cloud DNS"
    settings: ClassVar[Sequence[ProviderSetting]] = (
        ProviderSetting(name="access_key_id", help="the id of a RAM user's AccessKey"),
        ProviderSetting(name="access_key_secret", help="the secret of that AccessKey", is_secret=True),
        ProviderSetting(name="endpoint", help="the address of the API", default="https://alidns.aliyuncs.com"),
        TIMEOUT,
    )
    has_quoted_texts: ClassVar[bool] = False
    few_names: ClassVar[int] = 5
    default_wait_s: ClassVar[float] = 5
    # 60 changes and 100 listings a second.
    capabilities = Capabilities(lists_names=True, rate_per_s=40, burst=40)

    def _options(self) -> dict[str, str]:
        return {"auth_key_id": self.values["access_key_id"], "auth_secret": self.values["access_key_secret"]}

    def _connect(self, config: ConfigResolver, zone: str) -> _Api:
        # All calls name the zone, so that none is spent on asking for its id.
        return _Api(config, self.session, self.values["endpoint"])

    def _zones(self) -> Collection[str]:
        api, _config = self._api("")
        pages = api.pages("DescribeDomains", "Domains", "Domain", ZONES_PER_PAGE)
        return [shown_name(domain.get("PunyCode") or domain["DomainName"]) for domain in pages]


def _obstacle(record: dict[str, Any]) -> str:
    if record.get("Line", "default") != "default":
        return "answers only for a part of the world (a line)"
    if record.get("Locked"):
        return "is locked"
    return ""


def _encoded(text: object) -> str:
    """As RFC 3986 has it."""
    return quote(str(text), safe="-_.~")

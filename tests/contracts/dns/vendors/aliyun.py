"""Alibaba Cloud DNS, 2015-01-09, RPC style, as documented: https://www.alibabacloud.com/help/en/dns/"""

import base64
import hashlib
import hmac
import json
import re
from typing import Any
from urllib.parse import quote

from tests.contracts.dns.vendors.server import Answer, Asked, Row, VendorApi


class AliyunApi(VendorApi):
    """Checks each signature by itself, and that no parameter is in the URL."""

    def __init__(self, key_id: str, secret: str) -> None:
        super().__init__()
        self.key_id, self.secret = key_id, secret

    def answer(self, asked: Asked) -> Answer:
        form = {**asked.query, **asked.form}
        if form.get("AccessKeyId") != self.key_id:
            return refusal("InvalidAccessKeyId.NotFound", "Specified access key is not found.", 404)
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", form.get("Timestamp", "")):
            return refusal("InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
        signed = self._to_sign(asked.method, {key: value for key, value in form.items() if key != "Signature"})
        digest = hmac.new(f"{self.secret}&".encode(), signed.encode(), hashlib.sha1).digest()
        if form.get("Signature") != base64.b64encode(digest).decode():
            said = f"Specified signature is not matched with our calculation. server string to sign is:{signed}"
            return refusal("SignatureDoesNotMatch", said)
        if form["Action"] == "DescribeDomains":
            domains = [{"DomainName": zone, "PunyCode": zone} for zone in self.zones]
            return self._page(form, "Domains", "Domain", domains, 100)
        if form.get("DomainName") not in self.zones:
            return refusal("InvalidDomainName.NoExist", "The specified domain name does not exist.")
        return self._on_zone(form["DomainName"], form)

    def _on_zone(self, zone: str, form: dict[str, str]) -> Answer:
        action, id_ = form["Action"], form.get("RecordId", "")
        if action in ("DescribeDomainRecords", "DescribeSubDomainRecords"):
            name = form.get("SubDomain")  # of the zone's own name, it begins with @
            rows = [shown(row, zone) for row in self.zones[zone].values()]
            rows = [row for row in rows if name in (None, f"{row['RR']}.{zone}")]
            return self._page(form, "DomainRecords", "Record", rows, 500)
        if action == "AddDomainRecord":
            return self._write(zone, form, "")
        if id_ not in self.zones[zone]:
            return refusal("DomainRecordNotBelongToUser", "The domain record does not belong to this user.")
        if action == "UpdateDomainRecord":
            return self._write(zone, form, id_)
        if action == "DeleteDomainRecord":
            del self.zones[zone][id_]
            return Answer(json.dumps({"RequestId": "1", "RecordId": id_}))
        return refusal("InvalidAction.NotFound", "Specified api is not found.", 404)

    def _page(self, form: dict[str, str], group: str, key: str, found: list[dict[str, Any]], most: int) -> Answer:
        number, size = int(form.get("PageNumber", 1)), int(form.get("PageSize", 20))
        if size > most:
            return refusal("InvalidParameter", f"PageSize is at most {most}")
        page = found[(number - 1) * size : number * size]
        body = {"RequestId": "1", "TotalCount": len(found), "PageNumber": number, "PageSize": size, group: {key: page}}
        return Answer(json.dumps(body))

    def _write(self, zone: str, form: dict[str, str], id_: str) -> Answer:
        host, type_, value, ttl = form["RR"], form["Type"], form["Value"], int(form["TTL"])
        if not host:
            return refusal("InvalidRR.NoExist", "RR is mandatory for this action.")
        name = zone if host == "@" else f"{host}.{zone}"
        if self.is_conflict(zone, name, type_, but=id_):
            return refusal("DomainRecordConflict", "The domain record is conflict with other records.")
        if self.is_double(zone, name, type_, value, but=id_):
            return refusal("DomainRecordDuplicate", "The domain record is duplicated.")
        more = self.zones[zone][id_].more if id_ else {}
        if id_:
            self.zones[zone][id_] = Row(id=id_, name=name, type=type_, value=value, ttl=ttl, more=more)
        else:
            id_ = self.add(zone, name, type_, value, ttl).id
        return Answer(json.dumps({"RequestId": "1", "RecordId": id_}))

    def _to_sign(self, method: str, form: dict[str, str]) -> str:
        pairs = "&".join(f"{quote(key, safe='~')}={quote(form[key], safe='~')}" for key in sorted(form))
        return f"{method}&{quote('/', safe='')}&{quote(pairs, safe='~')}"


def shown(row: Row, zone: str) -> dict[str, Any]:
    return {
        "RecordId": row.id,
        "RR": row.name.removesuffix(zone).removesuffix(".") or "@",
        "Type": row.type,
        "Value": row.value,
        "TTL": row.ttl,
        "Line": row.more.get("line", "default"),
        "Status": row.more.get("status", "ENABLE"),
        "Locked": False,
    }


def refusal(code: str, message: str, status: int = 400) -> Answer:
    return Answer(json.dumps({"RequestId": "1", "HostId": "alidns", "Code": code, "Message": message}), status)

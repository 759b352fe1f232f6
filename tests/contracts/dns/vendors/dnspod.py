"""DNSPod's API (dnsapi.cn), as documented: https://docs.dnspod.cn/api/api-development-specification/"""

import json
import re
from typing import Any

from tests.contracts.dns.vendors.server import Answer, Asked, Row, VendorApi

LINE = "默认"


class DnspodApi(VendorApi):
    """Answers 200 whatever is wrong; the code is in the body. Pages have at most `most` records."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token
        self.most = 500

    def answer(self, asked: Asked) -> Answer:
        if asked.method != "POST":
            return status("2", "Only POST method is allowed")
        if not re.fullmatch(r"[\w .-]+/[\w.]+ ?\([^@ ]+@[^@ ]+\)", asked.headers.get("user-agent", "")):
            return status("-2", "UserAgent is wrong, the account is barred")
        form = asked.form
        if form.get("login_token") != self.token or form.get("format") != "json":
            return status("-1", "Login fail, please check login info")
        if asked.path == "/Domain.List":
            domains = [{"id": number, "name": zone, "punycode": zone} for number, zone in enumerate(self.zones, 1)]
            return self._page(form, "domains", domains, {"domain_total": len(domains)}, "9")
        if form.get("domain") not in self.zones:
            return status("13", "Domain is not exists")
        zone = form["domain"]
        if asked.path == "/Record.List":
            host = form.get("sub_domain")
            rows = [shown(row, zone) for row in self.zones[zone].values()]
            rows = [row for row in rows if host in (None, row["name"])]
            return self._page(form, "records", rows, {"record_total": str(len(rows))}, "10")
        if asked.path == "/Record.Create":
            return self._write(zone, form, "") or done(record={"id": list(self.zones[zone])[-1], "status": "enable"})
        id_ = form.get("record_id", "")
        if id_ not in self.zones[zone]:
            return status("8", "Record id is invalid")
        if asked.path == "/Record.Modify":
            return self._write(zone, form, id_) or done(record={"id": id_})
        if asked.path == "/Record.Remove":
            del self.zones[zone][id_]
            return done()
        return status("3", "Unknown error")

    def _page(
        self, form: dict[str, str], key: str, found: list[dict[str, Any]], info: dict[str, Any], empty: str
    ) -> Answer:
        start = int(form.get("offset", 0))
        page = found[start : start + min(int(form.get("length", 500)), self.most)]
        return done(**{"info": info, key: page}) if page else status(empty, "No records")

    def _write(self, zone: str, form: dict[str, str], id_: str) -> Answer | None:
        host, type_, value, ttl = form.get("sub_domain", "@"), form["record_type"], form["value"], int(form["ttl"])
        name = zone if host == "@" else f"{host}.{zone}"
        if form["record_line"] != LINE:
            return status("26", "Record line is wrong")
        if not 1 <= ttl <= 604_800:
            return status("32", "Record TTL is out of limit")
        if type_ == "CNAME" and not value.endswith("."):
            value += "."
        if self.is_conflict(zone, name, type_, but=id_):
            return status("31", "Conflict with another record")
        if self.is_double(zone, name, type_, value, but=id_):
            return status("104", "Record already exists")
        if id_:
            self.zones[zone][id_] = Row(id=id_, name=name, type=type_, value=value, ttl=ttl)
        else:
            self.add(zone, name, type_, value, ttl)
        return None


def shown(row: Row, zone: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name.removesuffix(zone).removesuffix(".") or "@",
        "line": row.more.get("line", LINE),
        "type": row.type,
        "ttl": str(row.ttl),
        "value": row.value,
        "enabled": row.more.get("enabled", "1"),
        "mx": "0",
    }


def done(**more: Any) -> Answer:
    return Answer(json.dumps({"status": {"code": "1", "message": "Action completed successful"}, **more}))


def status(code: str, message: str) -> Answer:
    return Answer(json.dumps({"status": {"code": code, "message": message}}))

"""Cloudflare's API, version 4, as documented: https://developers.cloudflare.com/api/"""

import json
from typing import Any

from tests.contracts.dns.vendors.server import Answer, Asked, Row, VendorApi

ROOT = "/client/v4"


class _Refused(Exception):
    pass


class CloudflareApi(VendorApi):
    """Pages have at most `most` records, whatever is asked for; a TXT gets its quotes, where it came without."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token
        self.most = 500

    def answer(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return refusal(403, 9109, "Invalid access token")
        if asked.path == f"{ROOT}/zones":
            size = int(asked.query.get("per_page", 20))
            if not 5 <= size <= 50:
                return refusal(400, 6003, "Invalid per_page: must be between 5 and 50")
            zones = [{"id": _zone_id(zone), "name": zone, "status": "active"} for zone in self.zones]
            return self._page(asked, zones, size)
        zone = next((zone for zone in self.zones if asked.path.startswith(f"{ROOT}/zones/{_zone_id(zone)}/")), None)
        if zone is None:
            return refusal(404, 7003, "Could not route to that zone, perhaps your object identifier is invalid?")
        if asked.path.endswith("/dns_records") and asked.method == "GET":
            name = asked.query.get("name")
            rows = [shown(row) for row in self.zones[zone].values() if name in (None, row.name)]
            return self._page(asked, rows, min(int(asked.query.get("per_page", 100)), self.most))
        if asked.path.endswith("/dns_records/batch") and asked.method == "POST":
            before = dict(self.zones[zone])
            try:
                return done(self._batch(zone, json.loads(asked.body)))
            except _Refused as exc:
                self.zones[zone] = before
                return refusal(400, *exc.args)
        return refusal(405, 7001, "Method not allowed")

    def _page(self, asked: Asked, found: list[dict[str, Any]], size: int) -> Answer:
        page = int(asked.query.get("page", 1))
        info = {"page": page, "per_page": size, "total_count": len(found), "total_pages": -(-len(found) // size)}
        return done(found[(page - 1) * size : page * size], info)

    def _batch(self, zone: str, body: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
        if sum(len(entries) for entries in body.values()) > 200:
            raise _Refused(1004, "more than 200 operations in a batch on this plan")
        for entry in body.get("deletes", []):
            if self.zones[zone].pop(entry["id"], None) is None:
                raise _Refused(81044, "Record does not exist.")
        for entry in body.get("puts", []):
            if entry["id"] not in self.zones[zone]:
                raise _Refused(81044, "Record does not exist.")
            self.zones[zone][entry["id"]] = self._checked(zone, entry, entry["id"])
        for entry in body.get("posts", []):
            row = self._checked(zone, entry, "")
            self.add(zone, row.name, row.type, row.value, row.ttl, **row.more)
        return {kind: [] for kind in body}

    def _checked(self, zone: str, entry: dict[str, Any], id_: str) -> Row:
        name, type_, value = entry["name"].lower(), entry["type"], entry["content"]
        if type_ == "TXT" and not value.startswith('"'):
            value = f'"{value}"'
        if self.is_conflict(zone, name, type_, but=id_):
            raise _Refused(81053, "An A, AAAA, or CNAME record with that host already exists.")
        if self.is_double(zone, name, type_, value, but=id_):
            raise _Refused(81058, "An identical record already exists.")
        return Row(id=id_, name=name, type=type_, value=value, ttl=entry["ttl"], more={"proxied": entry["proxied"]})


def shown(row: Row) -> dict[str, Any]:
    is_proxied = row.more.get("proxied", False)
    return {
        "id": row.id,
        "type": row.type,
        "name": row.name,
        "content": row.value,
        "ttl": 1 if is_proxied else row.ttl,
        "proxied": is_proxied,
    }


def done(result: Any, info: dict[str, Any] | None = None) -> Answer:
    more = {"result_info": info} if info else {}
    return Answer(json.dumps({"success": True, "errors": [], "messages": [], "result": result, **more}))


def refusal(status: int, code: int, message: str) -> Answer:
    errors = [{"code": code, "message": message}]
    return Answer(json.dumps({"success": False, "errors": errors, "messages": [], "result": None}), status)


def _zone_id(zone: str) -> str:
    return zone.encode().hex()[:32].ljust(32, "0")

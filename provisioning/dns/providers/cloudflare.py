"""Cloudflare, through lexicon, with an API token. https://developers.cloudflare.com/api/resources/dns/"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from lexicon._private.providers.cloudflare import Provider as LexiconCloudflare
from lexicon.config import ConfigResolver

from provisioning.dns.presentation import to_presentation
from provisioning.dns.protocol import Capabilities, ProviderSetting
from provisioning.dns.providers.lexicon_records import LexiconRecords, Operation
from provisioning.dns.providers.settings import TIMEOUT
from provisioning.dns.providers.vendor import VendorSession

# The documented maxima: https://developers.cloudflare.com/api/resources/zones/methods/list/ and .../dns/...records/.
# lexicon asks for 100 of both; more records in a page are fewer calls, of which there are 1,200 in five minutes.
ZONES_PER_PAGE = 50
RECORDS_PER_PAGE = 5000
# Of the smallest plan: https://developers.cloudflare.com/dns/manage-dns-records/how-to/batch-record-changes/
OPERATIONS_PER_BATCH = 200

_WRONG_TOKEN = {6003, 6103, 6111, 9103, 9106, 9107, 9109, 10000}
_NO_ZONE = {1001, 7000, 7003}
# The record exists already, an identical one does, or the one to change does not.
_CHANGED = {81057, 81058, 81044}


class _Api(LexiconCloudflare):
    """lexicon's Cloudflare with our session, pages as large as they may be, and errors that say what is wrong.

    lexicon raises `requests`' error for a status, without Cloudflare's reason, which is in the body.
    """

    def __init__(self, config: ConfigResolver, session: VendorSession, endpoint: str) -> None:
        super().__init__(config)
        self.session = session
        self.api_endpoint = endpoint

    def _request(
        self,
        action: str = "GET",
        url: str = "/",
        data: dict[str, Any] | None = None,
        query_params: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        query = dict(query_params or {})
        if "per_page" in query:
            query["per_page"] = ZONES_PER_PAGE if url == "/zones" else RECORDS_PER_PAGE
        response = self.session.request(
            action,
            self.api_endpoint + url,
            params=query,
            json=data,
            headers={"Authorization": f"Bearer {self._get_provider_option('auth_token')}"},
        )
        payload = self.session.json_object(response)
        if not payload.get("success"):
            self._raise(response.status_code, payload)
        return payload

    def _raise(self, status: int, payload: dict[str, Any]) -> None:
        vendor = self.session.vendor
        errors = [error for error in payload.get("errors") or [] if isinstance(error, dict)]
        codes = {error.get("code") for error in errors}
        if status in (401, 403) or codes & _WRONG_TOKEN:
            raise vendor.unauthorized("set a token with the permissions Zone: Read and DNS: Edit for these zones")
        if codes & _NO_ZONE:
            raise vendor.no_zone(self.domain)
        if codes & _CHANGED:
            raise vendor.changed()
        raise vendor.refused("; ".join(f"{error.get('message')} ({error.get('code')})" for error in errors) or status)


class Cloudflare(LexiconRecords):
    """Changes go in one call, which is one transaction at Cloudflare; what was there is looked up just before.

    What Berth makes is never proxied: a proxied name answers with Cloudflare's own addresses and a TTL of its own.
    """

    name: ClassVar[str] = "cloudflare"
    label: ClassVar[str] = "Cloudflare"
    settings: ClassVar[Sequence[ProviderSetting]] = (
        ProviderSetting(name="token", help="an API token with Zone: Read and DNS: Edit for the zones", is_secret=True),
        ProviderSetting(name="endpoint", help="the address of the API", default="https://api.cloudflare.com/client/v4"),
        TIMEOUT,
    )
    few_names: ClassVar[int] = 3
    # "all API calls for the next five minutes are blocked": fundamentals/api/reference/limits/
    default_wait_s: ClassVar[float] = 300
    # 1,200 calls in five minutes for all that a user does, of which this is a half.
    capabilities = Capabilities(batch_size=100, is_atomic=True, lists_names=True, rate_per_s=2, burst=10)

    _known_zones: Mapping[str, str] = {}

    def _options(self) -> dict[str, str]:
        return {"auth_token": self.values["token"]}

    def _connect(self, config: ConfigResolver, zone: str) -> _Api:
        api = _Api(config, self.session, self.values["endpoint"])
        if zone:  # else it lists the zones
            zone_id = self._zone_ids().get(zone)
            if zone_id is None:
                raise self.vendor.no_zone(zone)
            api.domain_id = zone_id  # type: ignore[assignment]
        return api

    def _zones(self) -> Collection[str]:
        self._known_zones = {}
        return self._zone_ids()

    def _zone_ids(self) -> Mapping[str, str]:
        """The account's zones with their ids, which don't change: asked for once. lexicon asks for every client."""
        if not self._known_zones:
            api, _config = self._api("")
            zones: dict[str, str] = {}
            page = pages = 1
            while page <= pages:
                payload = api._get("/zones", {"page": page, "per_page": ZONES_PER_PAGE})
                zones |= {zone["name"].lower(): zone["id"] for zone in payload["result"]}
                pages = payload["result_info"]["total_pages"]
                page += 1
            self._known_zones = zones
        return self._known_zones

    def _perform(self, zone: str, operations: Sequence[Operation]) -> None:
        """By the batch endpoint, which deletes before it overwrites, and overwrites before it adds: in one
        transaction, so that nothing is missing in between. More than the smallest plan's limit are several."""
        api, _config = self._api(zone)
        kinds = {"delete": "deletes", "update": "puts", "create": "posts"}
        for start in range(0, len(operations), OPERATIONS_PER_BATCH):
            body: dict[str, list[dict[str, Any]]] = {}
            for step in operations[start : start + OPERATIONS_PER_BATCH]:
                entry: dict[str, Any] = {"id": step.id} if step.id else {}
                if step.kind != "delete":
                    # Cloudflare wants a TXT in quotes, and adds them where there are none.
                    content = to_presentation("TXT", step.value) if step.type == "TXT" else step.value
                    entry |= {"type": step.type, "name": step.name, "content": content, "ttl": step.ttl_s}
                    entry["proxied"] = False
                body.setdefault(kinds[step.kind], []).append(entry)
            api._post(f"/zones/{api.domain_id}/dns_records/batch", body)

"""DNSPod (dnsapi.cn), through lexicon, with a DNSPod token. https://docs.dnspod.cn/api/api-development-specification/"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar

from lexicon._private.providers.dnspod import Provider as LexiconDnspod
from lexicon.config import ConfigResolver

from provisioning.dns.protocol import Capabilities, ProviderSetting
from provisioning.dns.providers.lexicon_records import LexiconRecords, shown_name
from provisioning.dns.providers.settings import TIMEOUT
from provisioning.dns.providers.vendor import VendorSession

# The maximum of Record.List and Domain.List; without it, the first 500 are given and no more.
PER_PAGE = 3000
DEFAULT_LINE = "默认"

# https://docs.dnspod.cn/api/common-response/, and those of Record.Create, Record.Modify and Domain.List.
_DONE, _EMPTY, _NO_DOMAINS = "1", "10", "9"
_WRONG_TOKEN = {"-1", "-7", "-8", "83", "85"}
_TOO_MANY = {"-2", "-99"}
_NO_ZONE = {"13"}
_CHANGED = {"104"}


class _Api(LexiconDnspod):
    """lexicon's DNSPod with our session, all pages, and each refusal raised.

    lexicon takes 31 (a conflict with another record) for "exists already", looks at no answer to a removal, and reads
    the first page alone. Names are relative at DNSPod, `@` the zone's own; ours end with a dot where they are absolute,
    since `www.example.com` may well be a relative one.
    """

    def __init__(self, config: ConfigResolver, session: VendorSession, endpoint: str, contact: str) -> None:
        super().__init__(config)
        self.session = session
        self.api_endpoint = endpoint
        # "Application Name/Version(email)", or the account is barred.
        self.user_agent = f"Berth/0.1 ({contact})"

    def _request(
        self,
        action: str = "GET",
        url: str = "/",
        data: dict[str, Any] | None = None,
        query_params: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        # A copy: lexicon puts the token into the very object that it logs.
        token = f"{self._get_provider_option('auth_username')},{self._get_provider_option('auth_token')}"
        body = {**(data or {}), "login_token": token, "format": "json", "lang": "en"}
        if self.domain:
            body["domain"] = self.domain
        response = self.session.request(
            action, self.api_endpoint + url, data=body, headers={"User-Agent": self.user_agent}
        )
        payload = self.session.json_object(response)
        code, message = str(payload["status"]["code"]), payload["status"].get("message")
        if code != _DONE:
            self._raise(url, code, message)
        return payload

    def _raise(self, url: str, code: str, message: object) -> None:
        vendor = self.session.vendor
        if (url, code) in {("/Record.List", _EMPTY), ("/Domain.List", _NO_DOMAINS)}:
            return
        if code in _WRONG_TOKEN:
            raise vendor.unauthorized(
                "set the id and the token of a DNSPod token, and wait where the account is barred"
            )
        if code in _TOO_MANY:
            raise vendor.limited()
        if code in _NO_ZONE or (url == "/Record.List" and code in {"6", "9"}):
            raise vendor.no_zone(self.domain)
        if code in _CHANGED or (url in ("/Record.Modify", "/Record.Remove") and code == "8"):
            raise vendor.changed()
        raise vendor.refused(f"{message} ({code})")

    def _relative_name(self, record_name: str) -> str:
        return record_name.removesuffix(self.domain).removesuffix(".") or "@"

    def pages(self, url: str, key: str, total: str, **query: Any) -> Iterable[dict[str, Any]]:
        offset = 0
        while True:
            payload = self._post(url, {**query, "offset": offset, "length": PER_PAGE})
            page = payload.get(key) or []
            yield from page
            offset += len(page)
            if not page or offset >= int(payload["info"][total]):
                return

    def list_records(self, rtype: Any = None, name: Any = None, content: Any = None) -> list[dict[str, Any]]:
        query = {"sub_domain": self._relative_name(name)} if name else {}
        return [self._record(record) for record in self.pages("/Record.List", "records", "record_total", **query)]

    def _record(self, record: dict[str, Any]) -> dict[str, Any]:
        is_default = record["line"] in (DEFAULT_LINE, "Default", "default")
        host = record["name"]
        return {
            "id": record["id"],
            "type": record["type"],
            "name": self.domain if host == "@" else f"{host}.{self.domain}",
            "ttl": record["ttl"],
            "content": record["value"],
            "is_off": str(record.get("enabled", "1")) != "1",
            "obstacle": "" if is_default else "answers only for a part of the world (a line)",
        }


class Dnspod(LexiconRecords):
    """One call for each record. A change of nothing is abuse to DNSPod, so there is none."""

    name: ClassVar[str] = "dnspod"
    label: ClassVar[str] = "DNSPod"
    settings: ClassVar[Sequence[ProviderSetting]] = (
        ProviderSetting(name="token_id", help="the id of a DNSPod token"),
        ProviderSetting(name="token", help="the DNSPod token itself", is_secret=True),
        ProviderSetting(name="contact", help="an e-mail address: DNSPod bars programs that name none"),
        ProviderSetting(name="endpoint", help="the address of the API", default="https://dnsapi.cn"),
        TIMEOUT,
    )
    has_quoted_texts: ClassVar[bool] = False
    few_names: ClassVar[int] = 3
    # Barred for an hour: API development specification, section 3.
    default_wait_s: ClassVar[float] = 3600
    # 20 calls a second, of which this is a half: what DNSPod takes for too many bars the account for an hour.
    capabilities = Capabilities(lists_names=True, rate_per_s=10, burst=10)

    def _options(self) -> dict[str, str]:
        return {"auth_username": self.values["token_id"], "auth_token": self.values["token"]}

    def _connect(self, config: ConfigResolver, zone: str) -> _Api:
        # All calls name the zone, so that none is spent on asking for its id.
        return _Api(config, self.session, self.values["endpoint"], self.values["contact"])

    def _zones(self) -> Collection[str]:
        api, _config = self._api("")
        return [
            shown_name(domain.get("punycode") or domain["name"])
            for domain in api.pages("/Domain.List", "domains", "domain_total")
        ]

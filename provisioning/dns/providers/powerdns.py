"""PowerDNS Authoritative Server through its HTTP API, version 1.

Found out with 4.7.3: a PATCH is one transaction, whatever is wrong in it; it has no conditions, so what is there is
asked for just before; `rrset_name` and `rrset_type` narrow what a GET lists.
"""

import contextlib
import json
import secrets
import ssl
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

import requests
import urllib3

from provisioning.dns.presentation import from_presentation, quoted, to_presentation
from provisioning.dns.protocol import Capabilities, ProviderSetting
from provisioning.dns.providers.changes import (
    by_key,
    ensure,
    is_plain_name,
    names_within,
    outstanding,
    refuse_conflicts,
    refuse_unfit,
    removals_first,
    remove,
)
from provisioning.dns.providers.deadlines import DeadlineAdapter
from provisioning.dns.providers.settings import TIMEOUT, checked, timeout_of
from provisioning.dns.records import Change, RecordSet
from provisioning.exceptions import OperatorError, RateLimited, ServiceUnavailable

# All of an answer may take so many times as long as one part of it.
PATIENCE = 6
# A record set is about 200 bytes in its JSON.
MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_ERROR_BYTES = 4_096
# Names that are asked for one by one: a millisecond each, where a zone of 10,000 is a hundred. For more, the whole zone
# is one call.
FEW_NAMES = 10
# The server copies these zones from another: what is written to them does not stay.
COPIES = {"slave", "secondary", "consumer"}
MAX_RETRY_AFTER_S = 3_600
# After these times a write is tried again that has stumbled over another one.
STUMBLE_WAITS_S = (0.02, 0.05, 0.1, 0.2, 0.4)
_JITTER = secrets.SystemRandom()


class _Stumbled(ServiceUnavailable):
    """Status 500: with SQLite that is also what the second of two who write at once gets; nothing was done."""


class PowerDns:
    name: ClassVar[str] = "powerdns"
    settings: ClassVar[Sequence[ProviderSetting]] = (
        ProviderSetting(name="url", help="where its webserver answers: http://127.0.0.1:8081"),
        ProviderSetting(name="api_key", help="`api-key` of its configuration", is_secret=True),
        ProviderSetting(name="server_id", help="the server's name in its API", default="localhost"),
        ProviderSetting(
            name="ca_file",
            help="a file with the certificates to trust for https, where the public ones don't do",
            default="",
        ),
        TIMEOUT,
    )

    def __init__(self, values: Mapping[str, str]) -> None:
        found = checked(self.settings, values)
        self.url = _checked_url(found["url"])
        self.capabilities = Capabilities(batch_size=500, is_atomic=True, lists_names=True, rate_per_s=500, burst=1_000)
        self.calls = 0
        self._timeout_s = timeout_of(found)
        self._api_key = found["api_key"]
        self._zones = f"{self.url}/api/v1/servers/{quote(found['server_id'], safe='')}/zones"
        self._session = requests.Session()
        self._adapter = DeadlineAdapter()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter)
        # No proxy, no password and no certificate that only the environment knows of.
        self._session.trust_env = False
        self._session.verify = _checked_ca_file(found["ca_file"])
        self._session.headers.update({"X-API-Key": self._api_key, "User-Agent": "berth"})

    def zones(self) -> list[str]:
        listed = self._json("GET", "", "listing its zones")
        if not isinstance(listed, list):
            raise self._no_api()
        with self._reading():
            return sorted(
                str(zone["name"]).removesuffix(".").lower()
                for zone in listed
                if str(zone.get("kind", "")).lower() not in COPIES
            )

    def list_records(self, zone: str, *, names: Collection[str] | None = None) -> list[RecordSet]:
        if names is None or len(names) > FEW_NAMES:
            found = self._list(zone)
            return found if names is None else [record for record in found if record.name in names]
        # An older server overlooks the name, and lists all.
        return [
            record
            for name in names_within(zone, names)
            for record in self._list(zone, rrset_name=f"{name}.")
            if record.name == name
        ]

    def ensure_record(self, zone: str, record: RecordSet) -> None:
        ensure(self, zone, record)

    def remove_record(self, zone: str, record: RecordSet) -> None:
        remove(self, zone, record)

    def apply(self, zone: str, changes: Sequence[Change]) -> None:
        refuse_unfit(zone, changes, batch_size=self.capabilities.batch_size)
        for wait_s in STUMBLE_WAITS_S:
            with contextlib.suppress(_Stumbled):
                self._apply_once(zone, changes)
                return
            time.sleep(wait_s * _JITTER.uniform(0.5, 1.5))
        self._apply_once(zone, changes)

    def _apply_once(self, zone: str, changes: Sequence[Change]) -> None:
        if not changes:
            return
        present = by_key(self.list_records(zone, names={change.key[0] for change in changes}))
        left = outstanding(zone, changes, present)
        refuse_conflicts(zone, left, present)
        if left:
            sets = [_rrset(change) for change in removals_first(left)]
            self._call("PATCH", _path(zone), f"changing zone {zone}", body={"rrsets": sets}).close()

    def check(self) -> None:
        if not self.zones():
            raise OperatorError(f"PowerDNS at {self.url} has no zone: an operator must make one there")

    def _list(self, zone: str, **narrowed: str) -> list[RecordSet]:
        answer = self._json("GET", _path(zone), f"listing zone {zone}", narrowed)
        with self._reading():
            return [_record_set(rrset) for rrset in answer["rrsets"]]

    def _json(self, method: str, path: str, doing: str, query: Mapping[str, str] | None = None) -> Any:
        with self._call(method, path, doing, query=query) as response:
            text = self._body(response, doing, MAX_ANSWER_BYTES)
        if len(text) > MAX_ANSWER_BYTES:
            raise OperatorError(f"PowerDNS at {self.url} answers with more than {MAX_ANSWER_BYTES} bytes while {doing}")
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise self._no_api() from exc

    def _call(
        self, method: str, path: str, doing: str, *, query: Mapping[str, str] | None = None, body: Any = None
    ) -> requests.Response:
        """An answer that says it was done; its body is not read yet."""
        self.calls += 1
        try:
            with self._adapter.ending(PATIENCE * self._timeout_s):
                response = self._session.request(
                    method, self._zones + path, params=query, json=body, stream=True, allow_redirects=False,
                    timeout=self._timeout_s, headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                )  # fmt: skip
        except requests.exceptions.SSLError as exc:
            raise OperatorError(
                f"the certificate of {self.url} is not trusted: an operator must set `url` to the name that stands in "
                "it, or `ca_file` to what signed it"
            ) from exc
        except requests.RequestException as exc:
            raise self._away(doing, "it takes too long" if self._adapter.is_over else exc) from exc
        if self._adapter.is_over:  # headers that were cut off look like whole ones
            response.close()
            raise self._away(doing, "it takes too long")
        if response.status_code // 100 != 2:
            with response:
                raise self._refused(response, doing)
        return response

    def _body(self, response: requests.Response, doing: str, limit: int) -> bytes:
        """The answer's body; no more of it than shows that it is longer than `limit`."""
        until, parts, size = time.monotonic() + PATIENCE * self._timeout_s, [], 0
        try:
            while size <= limit and (part := response.raw.read1(65_536)):
                parts.append(part)
                size += len(part)
                if time.monotonic() > until:
                    raise self._away(doing, "it takes too long")
        except (OSError, urllib3.exceptions.HTTPError) as exc:
            raise self._away(doing, exc) from exc
        return b"".join(parts)

    def _refused(self, response: requests.Response, doing: str) -> Exception:
        status, who = response.status_code, f"PowerDNS at {self.url}"
        if status == 429:
            return RateLimited(f"{who} asks to wait while {doing}", retry_after_s=_retry_after_s(response))
        if status >= 500:
            return (_Stumbled if status == 500 else ServiceUnavailable)(
                f"{who} answered {status} while {doing} ({self._said(response)}): Berth tries again; "
                "an operator should look at its log if this lasts"
            )
        if status in {401, 403}:
            return OperatorError(
                f"{who} refused Berth while {doing}: an operator must set `api_key` to the `api-key` of its "
                "configuration, whose `webserver-allow-from` must have Berth's address"
            )
        if status == 404:
            return OperatorError(f"{who} knows nothing of it while {doing}: an operator must make the zone there, or "
                                 "mend `url` or `server_id` of the account")  # fmt: skip
        if status // 100 == 3:
            return OperatorError(
                f"{who} sent Berth elsewhere while {doing}: an operator must set `url` to where its API is"
            )
        return OperatorError(f"{who} refused {doing} with {status}: {self._said(response)}")

    def _said(self, response: requests.Response) -> str:
        """The error as PowerDNS words it, or the beginning of what came instead."""
        text = self._body(response, "reading an error", MAX_ERROR_BYTES).decode(errors="replace")
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            text = str(json.loads(text)["error"])
        return quoted(text, self._api_key)

    def _away(self, doing: str, cause: object) -> ServiceUnavailable:
        why = cause if isinstance(cause, str) else type(cause).__name__
        return ServiceUnavailable(
            f"PowerDNS at {self.url} did not answer while {doing} ({why}): Berth tries again; "
            "an operator should look at it if this lasts"
        )

    def _no_api(self) -> OperatorError:
        return OperatorError(
            f"{self.url} does not answer as PowerDNS does: an operator must set `url` to where its API is"
        )

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """For answers whose JSON is not what is documented."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
            raise self._no_api() from exc


def _checked_url(text: str) -> str:
    """`http://host:port/path` without a slash at its end. What a URL can hold else has no place here."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    plain = not (parts.username or parts.password or parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not plain or port == 0 or " " in text:
        raise ValueError("url: http:// or https://, a host, and if need be a port and a path; no user, no password")
    return text.rstrip("/")


def _checked_ca_file(text: str) -> str | bool:
    if not text:
        return True
    try:
        ssl.create_default_context(cafile=text)
    except (OSError, ValueError) as exc:
        raise ValueError("ca_file: not a file with certificates in PEM that Berth can read") from exc
    return text


def _path(zone: str) -> str:
    """Of a name and nothing else: `..` would be another call."""
    if not is_plain_name(zone):
        raise OperatorError(f"{zone[:80]!r} is no name of a zone: an operator must look at the zones of the account")
    return f"/{quote(zone, safe='')}."


def _record_set(rrset: Mapping[str, Any]) -> RecordSet:
    type_ = str(rrset["type"])
    values = {
        # What is disabled is there and not served: it is no value that anybody plans, and nothing to write over.
        from_presentation(type_, str(record["content"])) + (" (disabled)" if record.get("disabled") else "")
        for record in rrset["records"]
    }
    return RecordSet(str(rrset["name"]).removesuffix(".").lower(), type_, tuple(sorted(values)), int(rrset["ttl"]))


def _rrset(change: Change) -> dict[str, Any]:
    name, type_ = change.key
    where = {"name": f"{name}.", "type": type_}
    if change.after is None:
        return where | {"changetype": "DELETE"}
    records = [{"content": to_presentation(type_, value), "disabled": False} for value in change.after.values]
    return where | {"changetype": "REPLACE", "ttl": change.after.ttl_s, "records": records}


def _retry_after_s(response: requests.Response) -> float:
    text = response.headers.get("Retry-After", "")
    seconds = int(text) if text.isdecimal() and len(text) < 9 else 1
    return float(min(max(seconds, 1), MAX_RETRY_AFTER_S))

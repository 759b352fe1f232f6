"""How we talk to a vendor's HTTP API, and what we say when that fails. For the providers that lexicon drives.

lexicon gives its requests no time limit, and its exceptions carry addresses, bodies and headers with credentials in
them. So it gets a session that has limits, and nothing that it or its libraries raise leaves the provider.
"""

import email.utils
import functools
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast
from urllib.parse import urljoin, urlsplit

import requests
from urllib3 import Retry
from urllib3.exceptions import HTTPError

from provisioning.dns.presentation import quoted
from provisioning.dns.providers.deadlines import DeadlineAdapter
from provisioning.exceptions import (
    OperatorError,
    ProvisioningError,
    RateLimited,
    RecordsChanged,
    ServiceUnavailable,
)

# One operation of a provider: all its pages, all its records.
OPERATION_TIMEOUT_S = 180.0
# All of a call may take so many times as long as one part of it.
PATIENCE = 3
MAX_BODY_BYTES = 32 * 1024 * 1024
# All the pages of an operation together: a million records, in the wordiest of these vendors' forms.
MAX_OPERATION_BYTES = 512 * 1024 * 1024
MAX_RETRY_AFTER_S = 3600.0
_CHUNK_BYTES = 64 * 1024


class Vendor:
    """One account while an operation runs: what is being done, how long it may take, and the words for a failure.

    `secrets` are never quoted, whatever a vendor writes. `timeout_s` is for connecting and for each part of an answer,
    `default_wait_s` for a vendor that does not say how long to wait.
    """

    def __init__(self, label: str, secrets: Iterable[str], *, timeout_s: float, default_wait_s: float) -> None:
        self.label = label
        self._secrets: list[str] = []
        self.hide(secrets)
        self.timeout_s = timeout_s
        self._default_wait_s = default_wait_s
        self.calls = 0
        self.doing = "working"
        self._deadline = 0.0
        self.received_bytes = 0

    def hide(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({*self._secrets, *(secret for secret in secrets if secret)}, key=len, reverse=True)

    def begin(self, doing: str) -> None:
        self.doing = doing
        self._deadline = time.monotonic() + OPERATION_TIMEOUT_S
        self.received_bytes = 0

    def remaining_s(self) -> float:
        """Raises `ServiceUnavailable` where the operation's time is over."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise self.unavailable("took too long")
        return remaining

    def quoted(self, text: object) -> str:
        return quoted(str(text), *self._secrets)

    def unavailable(self, what: str) -> ServiceUnavailable:
        return ServiceUnavailable(
            f"{self.label} {what} while {self.doing}: Berth tries again; an operator should look at the vendor's "
            "status page if this lasts"
        )

    def limited(self, retry_after: str | None = None) -> RateLimited:
        wait_s = _seconds(retry_after)
        wait_s = self._default_wait_s if wait_s is None else min(max(wait_s, 1.0), MAX_RETRY_AFTER_S)
        return RateLimited(
            f"{self.label} asks Berth to wait {wait_s:.0f} s before {self.doing}: it tries again then; an operator "
            "should see who else uses the account if this lasts",
            retry_after_s=wait_s,
        )

    def unauthorized(self, remedy: str) -> OperatorError:
        return OperatorError(f"{self.label} refused the credentials while {self.doing}: an operator must {remedy}")

    def no_zone(self, zone: str) -> OperatorError:
        return OperatorError(
            f"the account at {self.label} holds no zone {zone}: an operator must add it there, or choose the account "
            "that holds it"
        )

    def refused(self, said: object) -> OperatorError:
        return OperatorError(
            f"{self.label} refused {self.doing}: {self.quoted(said)}: an operator must mend this at the vendor"
        )

    def changed(self) -> RecordsChanged:
        return RecordsChanged(f"{self.label} has other records than a moment ago, seen while {self.doing}: look again")

    def answered(self, status: int, retry_after: str | None) -> None:
        """Raises for the statuses after which the same call may well succeed."""
        if status == 429:
            raise self.limited(retry_after)
        if status >= 500 or status == 408:
            raise self.unavailable(f"answered {status}")


class VendorSession(requests.Session):
    """A session with limits of time and size, which takes nothing from the environment and counts its calls.

    `trust_env` would let a `.netrc` replace the credentials. Redirects stay on the host, since bodies and headers of
    these vendors carry credentials. No retries: who calls paces itself.
    """

    def __init__(self, vendor: Vendor) -> None:
        self._adapter = DeadlineAdapter(max_retries=Retry(0, read=False))
        super().__init__()
        self.vendor = vendor
        self.trust_env = False
        self.max_redirects = 3
        # A body that unpacks to more than it was has no limit.
        self.headers["Accept-Encoding"] = "identity"

    def mount(self, prefix: Any, adapter: Any) -> None:
        """Ours alone: some of lexicon's programs bring one that tries again, and none has a deadline."""
        super().mount(prefix, self._adapter)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is None or resp.url is None:
            return None
        here, there = urlsplit(resp.url), urlsplit(urljoin(resp.url, target))
        return target if (there.scheme, there.netloc) == (here.scheme, here.netloc) else None

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = min(self.vendor.timeout_s, self.vendor.remaining_s())
        kwargs["stream"] = True
        self.vendor.calls += 1
        response = None
        try:
            with self._adapter.ending(min(PATIENCE * self.vendor.timeout_s, self.vendor.remaining_s())):
                response = super().send(request, **kwargs)
                fault = self._read(response)
        except (requests.RequestException, HTTPError, OSError) as exc:
            fault = f"did not answer ({type(exc).__name__})"
        if self._adapter.is_over:  # an answer that was cut off can look like a whole one
            fault = "answered too slowly"
        # Outside of the handler: a failure of requests quotes the URL, and would hang on ours as its context.
        if fault or response is None:
            raise self.vendor.unavailable(fault)
        self.vendor.answered(response.status_code, response.headers.get("Retry-After"))
        return response

    def _read(self, response: requests.Response) -> str:
        """Reads the body, up to its limit. Gives what is wrong with it."""
        if response._content is not False:  # read already, on the way of a redirect
            return ""
        body = bytearray()
        while chunk := response.raw.read1(_CHUNK_BYTES):
            body += chunk
            self.vendor.received_bytes += len(chunk)
            for size, limit in (
                (len(body), MAX_BODY_BYTES),
                (self.vendor.received_bytes, MAX_OPERATION_BYTES),
            ):
                if size > limit:
                    response.close()
                    return f"answered with more than {limit // 1024 // 1024} MiB"
        response._content = bytes(body)
        response._content_consumed = True
        return ""

    def json_object(self, response: requests.Response) -> dict[str, Any]:
        try:
            payload = response.json()
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            raise self.vendor.unavailable(f"answered {response.status_code} with something that is no JSON object")
        return payload


Method = TypeVar("Method", bound=Callable[..., Any])


def vendor_call(doing: str) -> Callable[[Method], Method]:
    """Marks a provider's operation: it begins with all its time, and what it raises is ours alone.

    Whatever else is raised beneath goes through the provider's `failure`. Neither hangs on the other as its context,
    since libraries quote URLs, headers and bodies.
    """

    def decorate(method: Method) -> Method:
        @functools.wraps(method)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            self.vendor.begin(" ".join([doing, *args[:1]]))
            fault: ProvisioningError
            try:
                return method(self, *args, **kwargs)
            except ProvisioningError as exc:
                fault = exc
            except Exception as exc:
                fault = self.failure(exc)
            finally:
                self.calls = self.vendor.calls
            fault.__cause__ = fault.__context__ = None
            raise fault

        return cast(Method, call)

    return decorate


def checked_endpoint(url: str) -> str:
    """An API's address without a slash at its end: HTTPS, or this machine's own loopback."""
    parts = urlsplit(url)
    is_loopback = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or not (parts.scheme == "https" or is_loopback) or parts.query or parts.username:
        raise ValueError("endpoint: the address of the vendor's API: https://, a host, nothing after a question mark")
    return url.rstrip("/")


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After (RFC 9110, section 10.2.3): seconds, or a date."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (ValueError, TypeError):
        return None

"""What a vendor may answer instead, and what is said about it. One part for all vendors, then each one's own words."""

import json
import time
from collections.abc import Iterator

import pytest

from provisioning.dns.providers import vendor as vendor_module
from provisioning.dns.records import Change, record_set
from provisioning.exceptions import OperatorError, ProvisioningError, RateLimited, RecordsChanged, ServiceUnavailable
from tests.contracts.dns.account import ZONE
from tests.contracts.dns.test_faults import everything_told
from tests.contracts.dns.vendors import aliyun, cloudflare, dnspod, route53
from tests.contracts.dns.vendors.accounts import CANARY, VENDORS, VendorAccount
from tests.contracts.dns.vendors.server import Answer, Asked, VendorApi, serving
from tests.name_servers.faulty import faulty_server, http_request

NAME = f"www.{ZONE}"
RECORD = record_set(NAME, "A", ["192.0.2.1"], 600)


def test_a_vendor_that_says_how_long_to_wait_is_believed(account: VendorAccount) -> None:
    for said, waited in (("17", 17), ("0", 1), ("86400", 3600)):
        account.api.faults.append(Answer("slow down", 429, {"Retry-After": said}))
        with pytest.raises(RateLimited) as refusal:
            account.connect().list_records(ZONE)
        assert refusal.value.retry_after_s == waited


@pytest.mark.parametrize(
    ("vendor", "answer", "waited"),
    [
        ("cloudflare", cloudflare.refusal(429, 971, "Please wait and consider throttling"), 300),
        ("dnspod", dnspod.status("-2", "API usage is limited"), 3600),
        ("aliyun", aliyun.refusal("Throttling.User", "Request was denied due to user flow control."), 5),
        ("route53", route53.refusal("Throttling", "Rate exceeded"), 5),
        ("route53", route53.refusal("PriorRequestNotComplete", "still at it"), 5),
    ],
)
def test_each_vendors_own_words_for_too_many_calls(vendor: str, answer: Answer, waited: float) -> None:
    with VENDORS[vendor]() as account:
        account.api.faults.append(answer)
        with pytest.raises(RateLimited, match="Berth to wait") as refusal:
            account.connect().apply(ZONE, [Change(None, RECORD)])
    assert refusal.value.retry_after_s == waited


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
def test_a_vendor_in_trouble_is_tried_again(account: VendorAccount, status: int) -> None:
    account.api.faults.append(Answer("<html>Bad Gateway</html>", status))

    with pytest.raises(ServiceUnavailable, match=rf"answered {status}|tries again"):
        account.connect().ensure_record(ZONE, RECORD)

    account.connect().ensure_record(ZONE, RECORD)
    assert account.published(NAME, "A") == ["192.0.2.1"]


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "7", "<html>", "<a><b></a>", '{"success": true}', "\x00\xff"])
def test_an_answer_of_another_form_is_tried_again(account: VendorAccount, body: str) -> None:
    provider = account.connect()
    account.api.faults.append(Answer(body))

    with pytest.raises(ServiceUnavailable, match="tries again"):
        provider.zones()


def test_a_vendor_that_repeats_our_secret_is_not_quoted(
    account: VendorAccount, caplog: pytest.LogCaptureFixture
) -> None:
    said = f"we do not like {CANARY}\n at all"
    account.api.faults = [
        {
            "Cloudflare": cloudflare.refusal(400, 1004, said),
            "DNSPod": dnspod.status("34", said),
            "Alibaba Cloud DNS": aliyun.refusal("InvalidParameter", said),
            "Route 53": route53.refusal("InvalidInput", said),
        }[account.provider.label]  # type: ignore[attr-defined]
    ]

    with pytest.raises(OperatorError, match=r"we do not like \[secret\] at all.*an operator must") as refusal:
        account.connect().list_records(ZONE)

    if account.provider.name == "route53":
        caplog.clear()  # botocore logs answers; AWS never gets the secret, which signs and stays here
    assert CANARY not in everything_told(refusal.value, caplog)


def test_credentials_do_not_follow_a_redirect_to_another_host(account: VendorAccount) -> None:
    class Other(VendorApi):
        def answer(self, asked: object) -> Answer:
            return Answer("{}")

    with serving(Other()) as other:
        for status in (301, 302, 307, 308):
            account.api.faults.append(Answer("", status, {"Location": f"{other.url}/client/v4/zones"}))
            with pytest.raises(ProvisioningError):
                account.connect().zones()

    assert other.asked == []


def test_nothing_is_taken_from_the_environment(
    account: VendorAccount, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    netrc = tmp_path / "netrc"  # type: ignore[operator]
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ROUTE_53"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name, value in {
        "NETRC": str(netrc),
        "LEXICON_CLOUDFLARE_AUTH_TOKEN": "another",
        "LEXICON_CLOUDFLARE_AUTH_USERNAME": "ada@example.com",
        "LEXICON_DNSPOD_AUTH_TOKEN": "another",
        "LEXICON_ALIYUN_AUTH_SECRET": "another",
        "AWS_ACCESS_KEY_ID": "another",
        "AWS_SECRET_ACCESS_KEY": "another",
        "AWS_SESSION_TOKEN": "another",
        "AWS_PROFILE": "missing",
        "AWS_CA_BUNDLE": "/nonexistent",
        "REQUESTS_CA_BUNDLE": "/nonexistent",
    }.items():
        monkeypatch.setenv(name, value)

    provider = account.connect()
    provider.ensure_record(ZONE, RECORD)

    assert account.published(NAME, "A") == ["192.0.2.1"]
    assert "another" not in str(account.api.asked)


def test_answers_have_limits_of_size_and_time(account: VendorAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor_module, "MAX_BODY_BYTES", 2_000)
    monkeypatch.setattr(vendor_module, "OPERATION_TIMEOUT_S", 0.5)
    account.api.faults.append(Answer(json.dumps({"success": "x" * 5_000})))
    with pytest.raises(ServiceUnavailable, match="more than"):
        account.connect().zones()
    # Many pages are as one.
    monkeypatch.setattr(vendor_module, "MAX_OPERATION_BYTES", 50)
    with pytest.raises(ServiceUnavailable, match="more than"):
        account.connect().list_records(ZONE)
    monkeypatch.undo()
    monkeypatch.setattr(vendor_module, "OPERATION_TIMEOUT_S", 0.5)
    # Promises more than it sends: the connection stays open.
    account.api.faults.append(Answer("{}", 200, {"Content-Length": "100"}))
    with pytest.raises(ServiceUnavailable, match="tries again"):
        account.connect().zones()


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{",
    ],
    ids=["nothing", "header", "body", "body without a length"],
)
def test_a_vendor_that_answers_a_byte_at_a_time_does_not_hold_anybody(
    account: VendorAccount, beginning: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor_module, "OPERATION_TIMEOUT_S", 0.6)

    def dripping(_request: bytes) -> Iterator[bytes]:
        yield beginning
        # Far longer than the operation may take, and no pause as long as a timeout.
        for _ in range(200):
            yield b" "
            time.sleep(0.05)

    with (
        faulty_server(http_request, dripping) as server,
        pytest.raises(ServiceUnavailable, match="answered too slowly while listing zones: Berth tries again"),
    ):
        account.connect(endpoint=server.url).zones()


def test_an_operation_has_a_limit_of_time_over_all_its_pages(
    account: VendorAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor_module, "OPERATION_TIMEOUT_S", 0.0)

    with pytest.raises(ServiceUnavailable, match="took too long"):
        account.connect().list_records(ZONE)

    assert account.api.asked == []


@pytest.mark.parametrize("vendor", ["cloudflare", "dnspod", "aliyun"])
def test_a_record_that_goes_between_the_look_and_the_change_means_to_look_again(vendor: str) -> None:
    with VENDORS[vendor]() as account:
        provider = account.connect()
        provider.ensure_record(ZONE, RECORD)
        answered = account.api.answer

        def answer(asked: Asked) -> Answer:
            found = answered(asked)
            rows = account.api.zones[ZONE]
            account.api.zones[ZONE] = {id_: row for id_, row in rows.items() if row.name != NAME}
            return found

        account.api.answer = answer
        with pytest.raises(RecordsChanged, match="look again"):
            provider.apply(ZONE, [Change(RECORD, record_set(NAME, "A", ["192.0.2.2"], 600))])

"""Any of lexicon's vendors: DirectAdmin stands for them, whose address is a setting and whose answers are simple."""

import base64
import json
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from provisioning.dns.providers.lexicon import Lexicon, vendor_settings
from provisioning.dns.records import Change, record_set
from provisioning.exceptions import OperatorError, RateLimited, ServiceUnavailable
from tests.contracts.dns.test_faults import everything_told
from tests.contracts.dns.vendors.server import Answer, Asked, VendorApi, serving

ZONE, CANARY = "panel.example", "canary-of-the-panel-9Ty"
JSON = {"Content-Type": "application/json"}
NAME = f"www.{ZONE}"
ONE, OTHER = (record_set(NAME, "A", [value], 600) for value in ("192.0.2.1", "192.0.2.2"))


class DirectAdminApi(VendorApi):
    """https://docs.directadmin.com/developer/api/: what lexicon uses of it. The whole zone in one answer."""

    def answer(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != "Basic " + base64.b64encode(f"ada:{CANARY}".encode()).decode():
            return Answer("unauthorized", 401)
        if asked.path == "/CMD_API_SHOW_DOMAINS":
            return Answer("&".join(f"list[]={zone}" for zone in self.zones), 200, {"Content-Type": "text/plain"})
        zone, action = asked.query["domain"], asked.query.get("action")
        rows = self.zones[zone]
        name, type_, value = (asked.query.get(key, "") for key in ("name", "type", "value"))
        if action in ("select", "edit"):
            combined = next(value for key, value in asked.query.items() if "recs" in key)
            del rows[next(row.id for row in rows.values() if _combined(row.name, row.value) == combined)]
        if action in ("add", "edit"):
            self.add(zone, name.removesuffix("."), type_, value, int(asked.query.get("ttl", 14400)))
        if action:
            return Answer(
                json.dumps({"success": "Record Deleted" if action == "select" else "Record Added"}), 200, JSON
            )
        shown = [
            {
                "name": f"{row.name}.",
                "type": row.type,
                "value": row.value,
                "ttl": row.ttl,
                "combined": _combined(row.name, row.value),
            }
            for row in rows.values()
        ]
        return Answer(json.dumps({"records": shown}), 200, JSON)


def _combined(name: str, value: str) -> str:
    return f"name={name}&value={quote(value)}"


@pytest.fixture
def api() -> Iterator[DirectAdminApi]:
    with serving(DirectAdminApi()) as api:
        api.zones = {ZONE: {}, "other.example": {}}
        yield api


def connect(api: DirectAdminApi, *, zones: str = ZONE, password: str = CANARY, **more: str) -> Lexicon:
    options = {"endpoint": api.url, "auth_username": "ada", "auth_password": password}
    return Lexicon({"vendor": "directadmin", "zones": zones, "options": json.dumps(options), **more})


def test_record_sets_are_made_changed_and_removed(api: DirectAdminApi) -> None:
    provider = connect(api)
    provider.check()

    provider.ensure_record(ZONE, ONE)
    assert provider.list_records(ZONE) == [ONE]
    provider.apply(ZONE, [Change(ONE, OTHER)])
    assert provider.list_records(ZONE, names=[NAME]) == [OTHER]
    both = record_set(NAME, "A", ["192.0.2.2", "192.0.2.3"], 600)
    provider.apply(ZONE, [Change(OTHER, both)])
    assert provider.list_records(ZONE) == [both]
    provider.remove_record(ZONE, both)
    alias, moved = (record_set(NAME, "CNAME", [target], 600) for target in ("a.example.net", "b.example.net"))
    provider.ensure_record(ZONE, alias)
    provider.apply(ZONE, [Change(alias, moved)])
    assert provider.list_records(ZONE) == [moved]
    later = record_set(NAME, "CNAME", ["b.example.net"], 60)
    provider.apply(ZONE, [Change(moved, later)])
    assert provider.list_records(ZONE) == [later]
    provider.remove_record(ZONE, later)

    assert provider.list_records(ZONE) == []
    assert provider.calls == len(api.asked)


def test_a_vendor_whose_program_says_no_ttl_is_read_all_the_same(
    api: DirectAdminApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = connect(api)
    provider.ensure_record(ZONE, ONE)
    read = provider._lexicon_class.list_records

    def without_ttl(self: Any, *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        return [{key: record[key] for key in record if key != "ttl"} for record in read(self, *args, **kwargs)]

    monkeypatch.setattr(provider._lexicon_class, "list_records", without_ttl)
    assert provider.list_records(ZONE) == [replace(ONE, ttl_s=0)]


def test_zones_are_those_of_the_settings_that_answer(api: DirectAdminApi) -> None:
    assert connect(api, zones="other.example, panel.example, gone.example").zones() == ["other.example", ZONE]
    with pytest.raises(OperatorError, match="nobodys"):
        connect(api).list_records("nobodys.example")


def test_faults_are_told_as_of_the_others_and_secrets_are_not(
    api: DirectAdminApi, caplog: pytest.LogCaptureFixture
) -> None:
    provider = connect(api)
    told = []
    with pytest.raises(OperatorError, match=r"directadmin refused the credentials.*an operator must") as refused:
        connect(api, password="canary-of-nobody").list_records(ZONE)
    told.append(everything_told(refused.value, caplog))
    for answer, error in (
        (Answer("", 429, {"Retry-After": "9"}), RateLimited),
        (Answer("", 503), ServiceUnavailable),
        (Answer("{", 200, JSON), ServiceUnavailable),
        (Answer("[]", 200, JSON), ServiceUnavailable),
    ):
        provider.zones()
        api.faults.append(answer)
        with pytest.raises(error) as fault:
            provider.list_records(ZONE)
        told.append(everything_told(fault.value, caplog))
    with api.hanging(), pytest.raises(ServiceUnavailable) as fault:
        connect(api, timeout_s="1").list_records(ZONE)
    told.append(everything_told(fault.value, caplog) + repr(provider))

    assert "canary" not in "\n".join(told)


def test_what_lexicons_programs_print_and_warn_of_is_heard_by_nobody(
    api: DirectAdminApi, capsys: pytest.CaptureFixture[str]
) -> None:
    provider = connect(api)
    provider.zones()
    api.faults.append(Answer(f"all about {CANARY}", 403))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(OperatorError, match="refused the credentials"):
            provider.list_records(ZONE)

    assert CANARY not in "".join(capsys.readouterr())


def test_a_token_in_an_address_is_not_logged(api: DirectAdminApi, caplog: pytest.LogCaptureFixture) -> None:
    provider = connect(api)
    provider.list_records(ZONE)

    caplog.clear()
    provider.vendor.begin("asking")
    provider.session.get(f"{api.url}/CMD_API_SHOW_DOMAINS", params={"key": CANARY}, auth=("ada", CANARY))

    assert any("CMD_API_SHOW_DOMAINS" in record.getMessage() for record in caplog.records)
    assert CANARY not in everything_told(None, caplog)


@pytest.mark.parametrize("vendor", ["auto", "cloudflare", "ddns", "localzone", "inwx", "../x", "os", "", "nobody", "é"])
def test_vendors_that_can_not_be_limited_are_refused(vendor: str) -> None:
    with pytest.raises(ValueError, match=r"^vendor: "):
        Lexicon({"vendor": vendor, "zones": ZONE, "options": "{}"})


@pytest.mark.parametrize(
    "options", ["", "[]", "{", '{"auth_token": 5}', '{"nonsense": "x"}', '{"auth_token": "a\\nb"}']
)
def test_odd_options_are_named_and_not_quoted(options: str) -> None:
    with pytest.raises(ValueError, match=r"^options: "):
        Lexicon({"vendor": "hetzner", "zones": ZONE, "options": options})


def test_what_a_vendor_takes_is_told_by_its_own_program() -> None:
    assert {setting.name: setting.is_secret for setting in vendor_settings("directadmin")} == {
        "auth_username": False,
        "auth_password": True,
        "endpoint": False,
    }
    assert [setting.is_secret for setting in vendor_settings("hetzner")] == [True]

"""`manage.py doctor`: every part is asked whatever the others say, within its time, and nothing secret is printed."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from paas.doctor import examine, machine, names, parts
from paas.doctor.check import Check, Failed, Level, Warned
from provisioning.dns.services.zones import hosted_zone_register
from provisioning.models import DnsAccount, Host, HostedZone
from tests.name_servers.powerdns import PowerDns, running_powerdns
from tests.name_servers.server import zone_file

ZONE = "plugins.example"


def run_of(checks: Any, name: str) -> Callable[[], str]:
    return next(check.run for check in checks if check.name == name)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerDns]:
    with running_powerdns(tmp_path_factory.mktemp("powerdns"), {ZONE: zone_file(ZONE)}) as found:
        yield found


def host(server: PowerDns, zone: str = ZONE, **changes: str) -> None:
    values = {"url": server.url, "api_key": server.api_key} | changes
    hosted_zone_register(
        zone_name=zone,
        account_name="main",
        provider="powerdns",
        settings={"url": values["url"]},
        secrets={"api_key": values["api_key"]},
        nameservers=[f"127.0.0.1:{server.port}"],
    )


class TestCommand:
    @pytest.fixture
    def rooms(self) -> Iterator[Callable[..., None]]:
        """Puts checks of a test's own in the place of the real ones."""

        def put(*checks: Check) -> None:
            rooms.clear()
            rooms["room"] = lambda: checks

        with patch.dict(examine.ROOMS, clear=True) as rooms:
            yield put

    @pytest.mark.django_db
    def test_one_line_for_each_check_in_their_order_and_status_1_where_one_fails(self, rooms: Any) -> None:
        def warned() -> str:
            raise Warned("is nearly full: an operator should free space soon")

        def failed() -> str:
            raise Failed("does not answer: an operator must start it")

        def broken() -> str:
            raise KeyError("something secret")

        rooms(Check("slow", lambda: time.sleep(0.1) or "took its time"), Check("disk", warned), Check("edge", failed),
              Check("odd", broken))  # fmt: skip
        said = StringIO()
        with pytest.raises(CommandError, match="2 of 4 checks failed: edge, odd") as stopped:
            call_command("doctor", stdout=said)
        assert stopped.value.returncode == 1
        assert said.getvalue().splitlines() == [
            "ok    slow: took its time",
            "warn  disk: is nearly full: an operator should free space soon",
            "fail  edge: does not answer: an operator must start it",
            "fail  odd: the check failed (KeyError): report it with BERTH_LOG_LEVEL=DEBUG's output",
        ]

    @pytest.mark.django_db
    def test_as_json_it_says_the_same_and_a_warning_is_no_failure(self, rooms: Any) -> None:
        def warned() -> str:
            raise Warned("soon")

        rooms(Check("a", lambda: "fine"), Check("b", warned))
        said = StringIO()
        call_command("doctor", "--json", stdout=said)
        assert json.loads(said.getvalue()) == {
            "ok": True,
            "checks": [
                {"check": "a", "level": "ok", "message": "fine"},
                {"check": "b", "level": "warn", "message": "soon"},
            ],
        }

    @pytest.mark.django_db
    def test_one_that_hangs_is_left_behind_and_the_others_are_heard(self, rooms: Any) -> None:
        release = threading.Event()
        rooms(Check("hangs", lambda: str(release.wait(60))), *(Check(f"c{n}", lambda: "fine") for n in range(20)))
        found = list(examine.examine(limit_s=0.3))
        release.set()
        assert (found[0].level, found[0].check) == (Level.FAIL, "hangs")
        assert "did not answer within 0.3 s" in found[0].message
        assert [finding.level for finding in found[1:]] == [Level.OK] * 20

    @pytest.mark.django_db
    def test_a_room_that_cannot_even_list_its_checks_fails_alone(self, rooms: Any) -> None:
        def none() -> Any:
            raise Failed("the list is torn: an operator must mend it")

        rooms(Check("a", lambda: "fine"))
        examine.ROOMS["other"] = none
        found = list(examine.examine())
        assert [(f.check, f.level) for f in found] == [("a", Level.OK), ("other", Level.FAIL)]
        assert "the list is torn" in found[1].message

    @pytest.mark.django_db(transaction=True)
    def test_no_secret_is_in_what_it_says(self, rooms: Any, settings: Any, server: PowerDns) -> None:
        host(server, api_key="key-of-an-account")
        settings.CELERY_BROKER_URL = "redis://:word-of-the-broker@127.0.0.1:1/0"
        secrets = ["key-of-an-account", "word-of-the-broker", settings.SECRET_KEY, settings.FORGE_TOKEN]

        def talkative() -> str:
            raise Failed(f"refused: {secrets} \x1b[31m")

        rooms(Check("talkative", talkative), Check("broker", lambda: settings.CELERY_BROKER_URL))
        said = "\n".join(finding.message for finding in examine.examine())
        assert not any(secret in said for secret in secrets)
        assert "[MASKED]" in said
        assert "\x1b" not in said

    @pytest.mark.parametrize("limit", ["0", "-1", "601", "nan"])
    def test_a_limit_that_is_none_is_refused(self, limit: str) -> None:
        with pytest.raises(CommandError, match="--limit"):
            call_command("doctor", f"--limit={limit}")


class TestMachine:
    def test_a_full_disk_fails_and_a_nearly_full_one_warns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Only a fake can be as full as wanted.
        for free, outcome in ((50 * machine.GIB, None), (machine.GIB, Warned), (machine.GIB // 8, Failed)):
            usage = type("Usage", (), {"total": 100 * machine.GIB, "free": free})
            monkeypatch.setattr(machine.shutil, "disk_usage", lambda _place, usage=usage: usage)
            disk = run_of(machine.checks(), "disk")
            if outcome is None:
                assert "50.0 GiB free (50%)" in disk()
            else:
                with pytest.raises(outcome, match=r"GiB free .*: an operator .* free space"):
                    disk()

    def test_secrets_that_others_may_read_fail(self, settings: Any, tmp_path: Path) -> None:
        settings.SECRETS_FILE = tmp_path / "secrets.env"
        settings.SECRETS_FILE.write_text("BERTH_SECRET_KEY=x\n")
        settings.SECRETS_FILE.chmod(0o600)
        assert "for its owner alone" in run_of(machine.checks(), "secrets")()
        settings.SECRETS_FILE.chmod(0o644)
        with pytest.raises(Failed, match="chmod 600"):
            run_of(machine.checks(), "secrets")()


class TestParts:
    @pytest.mark.django_db
    def test_the_database_and_its_migrations(self) -> None:
        found = parts.checks()
        assert run_of(found, "database")() == f"{connection.vendor} answers"
        assert run_of(found, "migrations")() == "all applied"
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
        with pytest.raises(Failed, match=r"1 missing, sessions.0001_initial the first: .* manage.py migrate"):
            run_of(found, "migrations")()

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("name", "changed", "remedy"),
        [
            ("broker", {"CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}, "BERTH_BROKER_URL"),
            ("web", {"WEB_URL": "http://127.0.0.1:1"}, "BERTH_WEB_URL"),
            ("edge", {"EDGE_PORT": 1}, "an operator must start it"),
            ("forge", {"FORGE_URL": "http://127.0.0.1:1/forge"}, "the forge did not answer"),
        ],
    )
    def test_what_does_not_answer_is_named_with_the_remedy(
        self, settings: Any, name: str, changed: dict[str, Any], remedy: str
    ) -> None:
        for setting, value in changed.items():
            setattr(settings, setting, value)
        found = list(_examined(parts.checks(), name))
        assert (found[0].level, found[0].check) == (Level.FAIL, name)
        assert remedy in found[0].message

    @pytest.mark.django_db
    def test_each_hosts_engine_is_asked(self, tmp_path: Path) -> None:
        values = {"releases_home": "/x", "port_first": 20000, "port_last": 20010}
        Host.objects.create(name="far", docker_url=f"unix://{tmp_path}/docker.sock", **values)
        Host.objects.create(name="off", docker_url="unix:///nowhere", is_enabled=False, **values)
        found = [check for check in parts.checks() if check.name.startswith("engine")]
        assert [check.name for check in found] == ["engine of far"]
        (finding,) = _examined(found, "engine of far")
        assert finding.level == Level.FAIL
        assert "does not answer: start it" in finding.message

    @pytest.mark.django_db
    def test_without_a_host_it_says_which_command_makes_one(self) -> None:
        with pytest.raises(Failed, match="host_register"):
            run_of(parts.checks(), "hosts")()


@pytest.mark.django_db
class TestNames:
    def test_an_account_whose_settings_work_is_well(self, server: PowerDns) -> None:
        host(server)
        assert run_of(names.checks(), "DNS account main")() == f"powerdns takes its settings, and holds {ZONE}"

    def test_a_refused_key_is_said_and_not_shown(self, server: PowerDns) -> None:
        host(server, api_key="some-old-key")
        (finding,) = _examined(names.checks(), "DNS account main")
        assert finding.level == Level.FAIL
        assert "some-old-key" not in finding.message
        assert "api_key" in finding.message

    def test_a_server_that_is_away(self, server: PowerDns) -> None:
        host(server, url="http://127.0.0.1:1")
        (finding,) = _examined(names.checks(), "DNS account main")
        assert finding.level == Level.FAIL

    def test_a_zone_that_the_account_does_not_hold(self, server: PowerDns) -> None:
        host(server, zone="elsewhere.example")
        with pytest.raises(Failed, match=r"does not hold elsewhere.example: an operator must make the zone there"):
            run_of(names.checks(), "DNS account main")()

    def test_an_account_that_is_switched_off_is_not_asked(self, server: PowerDns) -> None:
        host(server, url="http://127.0.0.1:1")
        DnsAccount.objects.update(is_enabled=False)
        with pytest.raises(Warned, match=ZONE):
            run_of(names.checks(), "DNS account main")()

    def test_without_an_account_it_says_that_names_are_in_no_dns(self, settings: Any) -> None:
        with pytest.raises(Warned, match=r"manage\.py dns_register"):
            run_of(names.checks(), "DNS accounts")()
        settings.EMBEDDED_DNS = False
        with pytest.raises(Warned, match="add an account"):
            run_of(names.checks(), "DNS accounts")()

    def test_a_zone_whose_servers_answer_is_well(self, server: PowerDns) -> None:
        host(server)
        said = run_of(names.checks(), f"zone {ZONE}")()
        assert said.startswith("answered for by 127.0.0.1 (")
        assert said.endswith("names point to 127.0.0.1")

    def test_a_zone_that_its_name_server_does_not_hold_or_that_does_not_answer(
        self, server: PowerDns, settings: Any
    ) -> None:
        host(server, zone="elsewhere.example")
        (finding,) = _examined(names.checks(), "zone elsewhere.example")
        assert finding.level == Level.FAIL
        assert f"127.0.0.1 (127.0.0.1 port {server.port}): refused" in finding.message
        settings.DNS_TIMEOUT_S, settings.DNS_DEADLINE_S = 1, 1
        HostedZone.objects.update(nameservers=["127.0.0.1:1"])
        (finding,) = _examined(names.checks(), "zone elsewhere.example")
        assert finding.level == Level.FAIL
        assert "an operator must correct the delegation" in finding.message

    def test_names_that_would_point_to_nobodys_address(self, server: PowerDns, settings: Any) -> None:
        host(server)
        settings.EDGE_PUBLIC_ADDRESSES = ["0.0.0.0"]
        with pytest.raises(Failed, match=r"point to 0\.0\.0\.0: an operator must set BERTH_EDGE_PUBLIC_ADDRESSES"):
            run_of(names.checks(), f"zone {ZONE}")()


def _examined(checks: Any, name: str) -> Any:
    """What the command would say of one check, in this thread, which has the test's transaction."""
    return [examine.Finding(check.name, *examine.outcome(check)) for check in checks if check.name == name]

"""The DNS of the platform as `bin/up` starts it, asked as a resolver would: an app's names are there while it is."""

from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest
from dns.rdatatype import RdataType

from tests.end_to_end.people import Cast
from tests.end_to_end.plugins import Plugin
from tests.end_to_end.running import RunningPlatform

pytestmark = pytest.mark.docker


def ask(platform: RunningPlatform, name: str, type_: str, *, over: Any = dns.query.udp) -> dns.message.Message:
    """Without asking for recursion, so that nothing but the server's own zones is in the answer."""
    port = int(platform.environment["BERTH_DNS_LISTEN_PORT"])
    answer: dns.message.Message = over(dns.message.make_query(name, type_, flags=0), "127.0.0.1", port=port, timeout=10)
    assert answer.flags & dns.flags.AA, f"{name}: without authority"
    return answer


def values(answer: dns.message.Message) -> list[str]:
    return [item.to_text() for rrset in answer.answer for item in rrset]


def test_an_apps_names_answer_while_it_is_there_and_are_gone_when_it_is_retired(cast: Cast, tmp_path: Path) -> None:
    plugin, other = Plugin(cast, tmp_path), Plugin(cast, tmp_path)
    hostnames = [plugin.hostname("production"), plugin.hostname("test")]
    for hostname in hostnames:
        for over in (dns.query.udp, dns.query.tcp):
            assert values(ask(cast.platform, hostname, "A", over=over)) == ["127.0.0.1"]
        mark = values(ask(cast.platform, f"_berth-owner.a.{hostname}", "TXT"))
        assert len(mark) == 1
        assert plugin.id in mark[0]

    cast.developer.client.call("DELETE", f"/apps/{plugin.id}/")
    cast.developer.client.wait_for(f"/apps/{plugin.id}/", states={"retired"}, bad={"failed"}, timeout_s=120)
    for name in [*hostnames, *(f"_berth-owner.a.{hostname}" for hostname in hostnames)]:
        for type_ in ("A", "TXT"):
            answer = ask(cast.platform, name, type_)
            assert (answer.rcode(), answer.answer) == (dns.rcode.NXDOMAIN, []), name
            # Whoever asks again while the name is not there is not told so for long.
            assert [(rrset.rdtype, rrset.ttl) for rrset in answer.authority] == [(RdataType.SOA, 5)]
    assert values(ask(cast.platform, other.hostname("production"), "A")) == ["127.0.0.1"]


def test_names_outlive_the_platforms_going_down(breakable: Any, cast: Cast, tmp_path: Path) -> None:
    plugin = Plugin(cast, tmp_path)
    cast.platform.run("bin/down")
    cast.platform.run("bin/up", "--detach", "--no-demo", "--no-install")
    assert values(ask(cast.platform, plugin.hostname("production"), "A")) == ["127.0.0.1"]

"""E16: a plugin's cookie for the parent's name reaches nobody else; browsers would send it to every sibling."""

import http.cookiejar
import urllib.request
from email.message import Message

import pytest

from tests.attacks.edge.test_exhaustion import raw_upstream
from tests.provisioning.edge.running import DOMAIN, RunningEdge, hostname, running_edge, site

MINE, OTHER = hostname(1), hostname(2)
CUSTOM = "www.customer.example"


def cookies(edge: RunningEdge, host: str, *lines: str) -> list[str]:
    """What the edge makes of a plugin's `Set-Cookie` headers."""
    head = "".join(f"{line}\r\n" for line in lines)
    with raw_upstream(f"HTTP/1.1 200 OK\r\n{head}Content-Length: 2\r\n\r\nok".encode()) as port:
        edge.edge.apply(site(port, hostnames=(MINE, CUSTOM)))
        raw = edge.send_raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    return [line.partition(": ")[2] for line in raw.decode().split("\r\n") if line.lower().startswith("set-cookie:")]


@pytest.mark.parametrize(
    "attribute",
    [
        f"Domain={DOMAIN}",
        f"Domain=.{DOMAIN}",
        f"DOMAIN={DOMAIN.upper()}",
        f"domain = {DOMAIN} ",
        f'Domain="{DOMAIN}"',
        "Domain=localhost",
        f"Domain={OTHER}",
        f"Domain={MINE}; Domain={DOMAIN}",
        f"Path=/; Secure; Domain={DOMAIN}; HttpOnly",
        f"Domain={DOMAIN}; Domain=",
        f"Domain={DOMAIN};;Domain={DOMAIN}",
    ],
)
def test_e16_a_domain_other_than_the_hosts_own_is_narrowed(edge: RunningEdge, attribute: str) -> None:
    for host in (MINE, CUSTOM):
        [found] = cookies(edge, host, f"Set-Cookie: a=b; {attribute}")
        parts = [part.strip() for part in found.split(";")]
        assert parts[0] == "a=b"
        named = [part.partition("=")[2] for part in parts if part.lower().startswith("domain")]
        assert set(named) <= {host, ""}
        assert host in named
        assert [part for part in parts if part in {"Path=/", "Secure", "HttpOnly"}] == [
            part for part in ("Path=/", "Secure", "HttpOnly") if part in attribute
        ]


def test_e16_every_cookie_is_looked_at_and_the_others_are_as_they_were(edge: RunningEdge) -> None:
    sent = [
        "Set-Cookie: first=1; Path=/",
        f"Set-Cookie: second=2; Domain={DOMAIN}",
        f"set-cookie: third=Domain={DOMAIN}",
        f"SET-COOKIE: fourth=4; domain=.{DOMAIN}; SameSite=Lax",
        "Set-Cookie: __Host-fifth=5; Path=/; Secure",
    ]
    assert cookies(edge, MINE, *sent) == [
        "first=1; Path=/",
        f"second=2; Domain={MINE}",
        f"third=Domain={DOMAIN}",
        f"fourth=4; domain={MINE}; SameSite=Lax",
        "__Host-fifth=5; Path=/; Secure",
    ]


def kept_for(host: str, found: list[str]) -> str:
    """The `Cookie` header that a client sends to `host` after it got these cookies from `MINE`."""
    jar = http.cookiejar.CookieJar()
    headers = Message()
    for line in found:
        headers["Set-Cookie"] = line
    answer = type("Answer", (), {"info": lambda _self: headers})()
    jar.extract_cookies(answer, urllib.request.Request(f"http://{MINE}/"))  # type: ignore[arg-type]
    request = urllib.request.Request(f"http://{host}/")
    jar.add_cookie_header(request)
    return request.get_header("Cookie") or ""


def test_e16_five_large_cookies_of_one_plugin_do_not_shut_a_sibling_off(edge: RunningEdge) -> None:
    sent = [f"Set-Cookie: c{number}={'x' * 3500}; Domain={DOMAIN}" for number in range(5)]
    found = cookies(edge, MINE, *sent)
    assert len(kept_for(MINE, found)) > 15_000
    assert kept_for(OTHER, found) == ""

    # The control: with the edge's directive gone, the sibling's visitor carries them all, and more than a header holds.
    def soften(text: str) -> str:
        return "\n".join(line for line in text.splitlines() if "proxy_cookie_domain" not in line)

    with running_edge(alter=soften) as soft:
        assert len(kept_for(OTHER, cookies(soft, MINE, *sent))) > 15_000

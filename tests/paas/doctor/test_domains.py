"""The doctor warns if browsers would send a plugin's cookies to the portal."""

from typing import Any

import pytest

from paas.doctor import domains
from paas.doctor.check import Warned
from tenants.models import Zone

pytestmark = pytest.mark.django_db


def said(settings: Any, apps: str, *portal: str, web: str = "http://127.0.0.1:8000") -> str:
    settings.APPS_DOMAIN, settings.ALLOWED_HOSTS, settings.WEB_URL = apps, list(portal), web
    [check] = domains.checks()
    assert check.name == f"domain {apps.lower()}"
    return check.run()


@pytest.mark.parametrize(
    ("apps", "portal"),
    [
        ("apps.example.com", "berth.example.com"),
        ("apps.example.com", ".example.com"),
        ("example.com", "example.com"),
        ("Apps.Example.co.uk", "portal.intern.example.co.uk"),
        ("berth-apps.example.com", "EXAMPLE.com"),
    ],
)
def test_a_registrable_domain_that_both_share_is_a_warning(settings: Any, apps: str, portal: str) -> None:
    with pytest.raises(Warned, match=r"a domain of their own \(docs/operate/domain-of-the-apps\.md\)"):
        said(settings, apps, "127.0.0.1", portal)


def test_the_name_in_the_webs_url_counts_too(settings: Any) -> None:
    with pytest.raises(Warned, match=r"the portal \(berth\.example\.com\)"):
        said(settings, "apps.example.com", "*", web="https://berth.example.com")


@pytest.mark.parametrize(
    ("apps", "portal", "answer"),
    [
        ("example-apps.com", "berth.example.com", "shares example-apps.com with no name of the portal"),
        ("apps.co.uk", "portal.co.uk", "shares apps.co.uk with no name of the portal"),
        # A name of the list's private part, as a company's own may be one day.
        ("github.io", "www.github.io", "is on the Public Suffix List"),
        ("apps.localhost", "berth.localhost", "is this machine's own"),
        ("apps.localhost", "localhost", "is this machine's own"),
        ("apps.example.com", "192.0.2.1", "with no name of the portal"),
        ("apps.example.com", "[::1]", "with no name of the portal"),
    ],
)
def test_names_that_browsers_keep_apart_are_fine(settings: Any, apps: str, portal: str, answer: str) -> None:
    assert answer in said(settings, apps, portal)


def test_every_zone_is_looked_at(settings: Any) -> None:
    settings.APPS_DOMAIN = "apps.localhost"
    Zone.objects.create(name="plugins.example.com", priority=1)
    assert [check.name for check in domains.checks()] == ["domain apps.localhost", "domain plugins.example.com"]

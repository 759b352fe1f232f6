"""A developer brings a domain, and a name server's worst is text on the page."""

from typing import Any

import pytest
from django.utils import timezone

from tenants.models import CustomDomain
from tenants.names.choices import Finding
from tenants.names.services.domain_checks import Look, domain_checked, domains_take
from tests.browser.conftest import Browser
from tests.browser.test_injection import TOGETHER, assert_harmless
from tests.factories import make_app, owner_of

pytestmark = pytest.mark.django_db(transaction=True)


def check(**found: object) -> None:
    CustomDomain.objects.update(next_check_at=timezone.now())
    (domain,) = domains_take(count=1)
    domain_checked(domain=domain, look=Look(**found))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def lookups_are_on(settings: Any) -> None:
    settings.DNS_LOOKUPS = True


def answers(outcome: str, *values: str) -> list[dict[str, object]]:
    answer = {"server": "ns1.customer.test", "address": "192.0.2.1", "cname": "", "detail": ""}
    said = {**answer, "outcome": outcome, "values": list(values)}
    return [{"name": "x.customer.test", "type": "A", "zone": "customer.test", "detail": "", "answers": [said]}]


def test_a_domain_from_its_claim_to_its_end(browser: Browser) -> None:
    app = make_app()
    browser.sign_in(owner_of(app.organization))
    browser.go(f"/apps/{app.public_id}/")
    browser.follow("Domains of production")
    browser.fill(hostname="B\u00fccher.customer.test")
    browser.press("Add the domain")
    domain = CustomDomain.objects.get()
    assert "b\u00fccher.customer.test" in browser.text
    for shown in ("xn--bcher-kva.customer.test", domain.challenge_name, domain.challenge_value, "pending"):
        assert shown in browser.text
    check(control=Finding.NO, control_detail="no proof is there", pointing=Finding.UNHEARD)
    browser.wait_until("document.querySelector('main').textContent.includes('no proof is there')")
    check(control=Finding.YES, pointing=Finding.YES, observations=answers("answer", "192.0.2.7"))
    browser.wait_until("document.querySelector('.state').textContent === 'active'")
    browser.go(browser.path)
    browser.follow("Remove…")
    browser.press("Remove b\u00fccher.customer.test")
    assert "There is no domain of your own yet." in browser.text
    assert browser.complaints() == []


def test_a_refused_name_comes_back_with_its_fault(browser: Browser) -> None:
    app = make_app()
    browser.sign_in(owner_of(app.organization))
    browser.go(f"/apps/{app.public_id}/environments/test/domains/")
    browser.fill(hostname="a.customer.test; } server {")
    browser.press("Add the domain")
    assert "remove it" in browser.text
    assert browser.find("[name=hostname]").get_attribute("value") == "a.customer.test; } server {"


def test_what_a_name_server_says_is_text(browser: Browser) -> None:
    app = make_app()
    browser.sign_in(owner_of(app.organization))
    path = f"/apps/{app.public_id}/environments/production/domains/"
    browser.go(path)
    browser.fill(hostname="evil.customer.test")
    browser.press("Add the domain")
    said = {"control_detail": TOGETHER, "pointing_detail": TOGETHER, "observations": answers("answer", TOGETHER)}
    check(control=Finding.NO, pointing=Finding.NO, **said)
    browser.wait_until("document.querySelectorAll('main details').length > 1")
    assert_harmless(browser, TOGETHER)
    browser.go(path)
    assert_harmless(browser, TOGETHER)

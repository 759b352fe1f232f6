"""Domains of one's own on the portal: what to set, how far it is, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from tenants.models import CustomDomain, PluginApp
from tenants.names.choices import DomainState, Finding
from tenants.names.services.domain_checks import Look, domain_checked, domains_take
from tenants.names.services.domains import domain_add
from tenants.people.choices import MemberRole
from tenants.releases.choices import ReleaseState
from tests.factories import environment_of, make_app, make_member, make_release, make_reviewer, owner_of
from tests.paas.portal.conftest import Visit

pytestmark = pytest.mark.django_db
MIXED = "p\u0430yp\u0430l.test"


def path_of(app: PluginApp) -> str:
    return f"/apps/{app.public_id}/environments/production/domains/"


def add(app: PluginApp, hostname: str = "plugin.customer.test") -> CustomDomain:
    return domain_add(environment=environment_of(app), hostname=hostname, actor=owner_of(app.organization))


def checked(domain: CustomDomain, **look: object) -> CustomDomain:
    CustomDomain.objects.filter(pk=domain.pk).update(next_check_at=timezone.now(), lease_until=None)
    (taken,) = domains_take(count=1)
    domain_checked(domain=taken, look=Look(**look))  # type: ignore[arg-type]
    domain.refresh_from_db()
    return domain


def test_a_domain_is_added_and_the_page_says_what_to_set(visit: Visit) -> None:
    app = make_app()
    client = visit(owner_of(app.organization))
    answer = client.post(path_of(app), {"hostname": "Plugin.Customer.test"}, follow=True)
    domain = CustomDomain.objects.get()
    text = answer.content.decode()
    platforms = environment_of(app).subdomains.get().hostname
    for shown in (domain.challenge_name, domain.challenge_value, platforms, "pending", "Check now"):
        assert shown in text
    assert f'href="{path_of(app)}"' in client.get(f"/apps/{app.public_id}/").content.decode()


@pytest.mark.parametrize("name", ["*.customer.test", "a_b.customer.test", "localhost", "", "https://x.test", "co.uk"])
def test_a_refusal_stands_beside_the_field_with_what_was_typed(visit: Visit, name: str) -> None:
    app = make_app()
    answer = visit(owner_of(app.organization)).post(path_of(app), {"hostname": name})
    assert (answer.status_code, set(answer.context["form"].errors)) == (400, {"hostname"})
    assert answer.context["form"]["hostname"].value() == name
    assert not CustomDomain.objects.exists()


def test_each_servers_answer_is_shown_and_the_day_it_ends(visit: Visit, settings: Any) -> None:
    settings.DNS_LOOKUPS = True
    app = make_app()
    domain = checked(add(app), control=Finding.YES, pointing=Finding.YES)
    answers = [
        {"server": "ns1.customer.test", "address": "192.0.2.1", "outcome": "answer", "values": ["203.0.113.9"]},
        {"server": "ns2.customer.test", "address": "", "outcome": "serv_fail", "values": [], "detail": "it said so"},
    ]
    observation = {
        "name": domain.hostname,
        "type": "A",
        "zone": "customer.test",
        "detail": "",
        "answers": [{"cname": "", "detail": "", **answer} for answer in answers],
    }
    detail = "it points to 203.0.113.9"
    found = {"control": Finding.YES, "pointing": Finding.NO, "pointing_detail": detail, "observations": [observation]}
    assert checked(domain, **found).state == DomainState.WARNED
    text = visit(owner_of(app.organization)).get(path_of(app)).content.decode()
    for shown in (
        detail,
        "ns1.customer.test (192.0.2.1)",
        "nothing of use (serv fail): it said so",
        "It is withdrawn on",
    ):
        assert shown in text


def test_a_name_to_look_twice_at_is_flagged_wherever_it_is_shown(visit: Visit) -> None:
    app = make_app()
    release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    domain = checked(add(app, MIXED), control=Finding.YES, pointing=Finding.YES)
    reviewer, owner = visit(make_reviewer()), visit(owner_of(app.organization))
    for client, path in (
        (owner, path_of(app)),
        (reviewer, path_of(app)),
        (owner, f"/apps/{app.public_id}/"),
        (reviewer, f"/releases/{release.pk}/review/"),
    ):
        text = client.get(path).content.decode()
        assert "ook twice" in text, path
        assert domain.hostname in text, path


def test_checks_and_removal_are_asked_for_from_the_page(visit: Visit) -> None:
    app = make_app()
    domain = checked(add(app), control=Finding.YES, pointing=Finding.YES)
    client = visit(owner_of(app.organization))
    there = f"{path_of(app)}{domain.pk}/"
    assert "is looked at now" in client.post(f"{there}check/", follow=True).content.decode()
    too_often = client.post(f"{there}check/")
    assert (too_often.status_code, too_often["Retry-After"]) == (429, "15")
    assert "Remove " in client.post(f"{there}remove/").content.decode()
    domain.refresh_from_db()
    assert domain.state != DomainState.REMOVED
    assert "is removed" in client.post(f"{there}remove/", {"confirmed": "yes"}, follow=True).content.decode()
    domain.refresh_from_db()
    assert domain.state == DomainState.REMOVED
    assert client.post(f"{there}remove/").status_code == 404


def test_whoever_may_only_look_is_offered_nothing_else(visit: Visit) -> None:
    app = make_app()
    domain = add(app)
    for person in (make_member(app.organization, MemberRole.DEVELOPER), make_reviewer()):
        client = visit(person)
        text = client.get(path_of(app)).content.decode()
        assert domain.challenge_value in text
        for offered in ("Add the domain", "Check now", "Remove"):
            assert offered not in text
        assert client.post(path_of(app), {"hostname": "b.test"}).status_code == 403
        assert client.post(f"{path_of(app)}{domain.pk}/remove/", {"confirmed": "yes"}).status_code == 403


def test_a_page_of_many_domains_takes_as_many_queries_as_one(
    visit: Visit, django_assert_max_num_queries: Callable[..., object]
) -> None:
    app = make_app()
    client = visit(owner_of(app.organization))
    for number in range(12):
        add(app, f"d{number}.customer.test")
    client.get(path_of(app))
    with django_assert_max_num_queries(14):  # type: ignore[attr-defined]
        client.get(path_of(app))

"""A customer's own domain: who may claim a name, who gets it, what a look at the DNS changes, and who gets it after."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants.apps.services.apps import app_retire
from tenants.exceptions import (
    AlreadyExists,
    CheckedTooOften,
    InvalidInput,
    InvalidTransition,
    NameHeld,
    NameTaken,
    NotPermitted,
)
from tenants.models import AuditEvent, CustomDomain, HeldName, Organization, PluginApp
from tenants.names.choices import DomainState, Finding
from tenants.names.selectors import domains as selectors
from tenants.names.services import domain_checks, domains
from tenants.names.services.domain_checks import Look, domain_checked, domains_take
from tenants.names.services.domains import MAX_DOMAINS, domain_add, domain_check_request, domain_remove, names_hold
from tenants.policies.services.policies import policy_create
from tenants.signals import custom_domain_changed, custom_domain_check_requested
from tests.factories import environment_of, make_app, make_member, make_operator, owner_of

pytestmark = pytest.mark.django_db
NAME = "plugin.customer.test"
NO_PROOF = "none of its servers has the TXT record"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
FINE = {"control": Finding.YES, "pointing": Finding.YES}
PROVEN_ONLY = {"control": Finding.YES, "pointing": Finding.NO, "pointing_detail": "it points elsewhere"}
GONE = {"control": Finding.NO, "control_detail": NO_PROOF, "pointing": Finding.YES}
NOTHING = {**GONE, "pointing": Finding.NO, "pointing_detail": "it points elsewhere"}
UNHEARD = {"control": Finding.UNHEARD, "control_detail": "no server answers", "pointing": Finding.UNHEARD}


def add(app: PluginApp, name: str = NAME, environment: str = "production") -> CustomDomain:
    return domain_add(environment=environment_of(app, environment), hostname=name, actor=owner_of(app.organization))


def check(domain: CustomDomain, found: dict[str, Any], *, after: timedelta = timedelta()) -> CustomDomain:
    """What a worker does who looks at the domain `after` its last look, and finds this."""
    rewind(domain, after)
    # The one that is due longest.
    CustomDomain.objects.filter(pk=domain.pk).update(next_check_at=LONG_AGO, lease_until=None)
    (taken,) = domains_take(count=1)
    assert domain_checked(domain=taken, look=Look(**found))
    domain.refresh_from_db()
    return domain


def rewind(domain: CustomDomain, by: timedelta) -> None:
    """As if all that has happened to the domain had happened so much earlier."""
    domain.refresh_from_db()
    times = ("created_at", "proven_at", "failing_since", "unheard_since", "check_requested_at")
    earlier = {name: getattr(domain, name) - by for name in times if getattr(domain, name) is not None}
    CustomDomain.objects.filter(pk=domain.pk).update(**earlier)


def proven(app: PluginApp, name: str = NAME, environment: str = "production") -> CustomDomain:
    return check(add(app, name, environment), FINE)


def told(domain: CustomDomain) -> list[str]:
    events = AuditEvent.objects.filter(object_type="custom_domain", object_id=str(domain.pk)).order_by("pk")
    return [event.action for event in events]


def last_message(domain: CustomDomain) -> str:
    return AuditEvent.objects.filter(object_type="custom_domain", object_id=str(domain.pk)).latest("pk").message


def served(app: PluginApp, environment: str = "production") -> tuple[str, ...]:
    return selectors.served_hostnames(environment_of(app, environment))


def test_a_claim_says_what_to_set_and_serves_nothing() -> None:
    app = make_app()
    domain = add(app, "Plugin.Customer.TEST.")
    platforms = environment_of(app).subdomains.get().hostname
    assert (domain.hostname, domain.state) == (NAME, DomainState.PENDING)
    assert [
        (record.purpose, record.type, record.name, record.value) for record in selectors.records_to_set(domain)
    ] == [
        ("control", "TXT", f"_berth-challenge.{NAME}", f"berth-verification={domain.challenge}"),
        ("pointing", "CNAME", NAME, platforms),
    ]
    assert served(app) == (platforms,)
    assert told(domain) == ["domain.added"]


def test_at_the_apex_there_are_addresses_in_place_of_a_cname(settings: LazySettings) -> None:
    settings.EDGE_PUBLIC_ADDRESSES = ["192.0.2.7", "2001:db8::7"]
    domain = add(make_app(), "customer.test")
    assert [(record.type, record.name, record.value) for record in selectors.records_to_set(domain)][1:] == [
        ("A", "customer.test", "192.0.2.7"),
        ("AAAA", "customer.test", "2001:db8::7"),
    ]


def test_where_servers_have_a_zone_of_the_name_itself_it_is_an_apex(settings: LazySettings) -> None:
    settings.EDGE_PUBLIC_ADDRESSES = ["192.0.2.7"]
    observation = {"name": NAME, "type": "A", "zone": NAME, "detail": "", "answers": []}
    domain = check(add(make_app()), {**NOTHING, "observations": [observation]})
    assert [record.type for record in selectors.records_to_set(domain)] == ["TXT", "A"]


def test_each_attempt_has_a_challenge_of_its_own() -> None:
    app = make_app()
    first = add(app)
    domain_remove(domain=first, actor=owner_of(app.organization))
    second = add(app)
    assert len(first.challenge) == 32
    assert first.challenge != second.challenge


def test_a_proven_name_is_served_from_then_on() -> None:
    app = make_app()
    domain = proven(app)
    assert domain.state == DomainState.ACTIVE
    assert domain.proven_at is not None
    assert served(app)[1:] == (NAME,)
    assert told(domain) == ["domain.added", "domain.proven"]


def test_what_is_proven_and_points_elsewhere_is_served_and_soon_looked_at_again() -> None:
    domain = check(add(make_app()), PROVEN_ONLY)
    assert domain.state == DomainState.ACTIVE
    assert domain.detail == "it points elsewhere"
    assert domain.next_check_at is not None
    assert domain.next_check_at - timezone.now() <= domain_checks.SETTLING
    assert check(domain, PROVEN_ONLY).state == DomainState.WARNED


def test_a_claim_is_looked_at_ever_less_often_and_ends_with_the_reason() -> None:
    domain = add(make_app())
    pauses = []
    for age in (timedelta(), timedelta(minutes=4), timedelta(days=2)):
        check(domain, NOTHING, after=age)
        assert domain.next_check_at is not None
        pauses.append(domain.next_check_at - timezone.now())
    assert pauses == sorted(pauses)
    assert pauses[0] <= domain_checks.SOONEST
    assert pauses[-1] <= domain_checks.LATEST
    assert domain.detail == f"{NO_PROOF}; it points elsewhere"
    assert told(domain) == ["domain.added"]
    check(domain, NOTHING, after=domain_checks.LONGEST_PENDING)
    assert domain.state == DomainState.REMOVED
    assert told(domain) == ["domain.added", "domain.expired"]
    assert NO_PROOF in last_message(domain)
    assert not HeldName.objects.exists(), "a name that nobody has proven is nobody's"


@pytest.mark.parametrize("fault", [GONE, PROVEN_ONLY])
def test_what_fails_is_warned_about_then_withdrawn_and_held(fault: dict[str, Any], settings: LazySettings) -> None:
    app = make_app()
    domain = check(proven(app), fault)
    detail = fault.get("control_detail") or fault["pointing_detail"]
    ends_on = f"{timezone.now() + timedelta(days=settings.DOMAIN_GRACE_DAYS):%Y-%m-%d}"
    assert domain.state == DomainState.WARNED
    assert detail in last_message(domain)
    assert ends_on in last_message(domain)
    assert served(app)[1:] == (NAME,), "it is served while there is time to mend it"
    check(domain, fault, after=timedelta(days=settings.DOMAIN_GRACE_DAYS - 1))
    assert domain.state == DomainState.WARNED
    check(domain, fault, after=timedelta(days=1))
    assert domain.state == DomainState.WITHDRAWN
    assert served(app)[1:] == ()
    assert domain.next_check_at is None
    assert HeldName.objects.get().hostname == NAME
    assert told(domain) == ["domain.added", "domain.proven", "domain.warned", "domain.withdrawn"]


def test_what_is_mended_in_time_is_as_before() -> None:
    domain = check(proven(make_app()), GONE)
    check(domain, FINE, after=timedelta(days=6))
    assert (domain.state, domain.failing_since, domain.detail) == (DomainState.ACTIVE, None, "")
    check(domain, GONE, after=timedelta(days=6))
    assert domain.state == DomainState.WARNED, "the time to mend it starts anew"
    assert told(domain) == ["domain.added", "domain.proven", "domain.warned", "domain.recovered", "domain.warned"]


def test_an_outage_of_the_customers_name_servers_is_no_evidence(settings: LazySettings) -> None:
    app = make_app()
    domain = check(proven(app), UNHEARD)
    check(domain, UNHEARD, after=timedelta(days=settings.DOMAIN_GRACE_DAYS + 1))
    assert domain.state == DomainState.ACTIVE
    assert domain.detail.startswith("could not be checked: no server answers")
    assert told(domain) == ["domain.added", "domain.proven", "domain.unheard"], "it is told once, not each hour"
    check(domain, UNHEARD, after=timedelta(days=settings.DOMAIN_UNHEARD_DAYS))
    assert domain.state == DomainState.WITHDRAWN
    assert "have not answered since" in last_message(domain)


def test_an_outage_does_not_end_the_time_to_mend_what_failed_before(settings: LazySettings) -> None:
    domain = check(proven(make_app()), GONE)
    check(domain, UNHEARD, after=timedelta(days=settings.DOMAIN_GRACE_DAYS + 1))
    assert domain.state == DomainState.WARNED
    check(domain, FINE)
    assert (domain.state, domain.unheard_since) == (DomainState.ACTIVE, None)


def test_several_may_claim_a_name_and_whoever_proves_it_has_it() -> None:
    squatter, rightful = make_app(), make_app()
    theirs, mine = add(squatter), add(rightful)
    check(theirs, NOTHING)
    check(mine, FINE)
    assert mine.state == DomainState.ACTIVE
    check(theirs, FINE)
    assert theirs.state == DomainState.PENDING
    assert theirs.detail == f"{NAME} is proven by another organization: use another name"
    check(theirs, FINE)
    assert told(theirs) == ["domain.added", "domain.proof_refused"], "it is told once, not with each look"
    assert mine.environment.app.organization.slug not in theirs.detail


@pytest.mark.parametrize("other", [NAME, "customer.test", "a.plugin.customer.test"])
def test_a_name_above_or_below_somebody_elses_is_refused(other: str) -> None:
    waiting = add(make_app(), other)
    proven(make_app())
    with pytest.raises(NameTaken, match="proven by another organization"):
        add(make_app(), other)
    assert check(waiting, FINE).state == DomainState.PENDING


def test_names_beside_each_other_may_be_different_organizations() -> None:
    proven(make_app(), "one.customer.test")
    assert proven(make_app(), "two.customer.test").state == DomainState.ACTIVE
    assert proven(make_app(), "neplugin.customer.test").state == DomainState.ACTIVE


def test_an_organization_may_have_names_above_and_below_its_own() -> None:
    app = make_app()
    proven(app)
    other = make_app(organization=app.organization)
    assert proven(other, "a.plugin.customer.test").state == DomainState.ACTIVE
    assert proven(other, "customer.test").state == DomainState.ACTIVE


def test_a_name_is_served_for_one_environment_of_an_organization() -> None:
    app = make_app()
    proven(app)
    domain = check(add(app, environment="test"), FINE)
    assert domain.state == DomainState.PENDING
    assert "another environment of your organization" in domain.detail
    with transaction.atomic(), pytest.raises(IntegrityError):
        CustomDomain.objects.filter(pk=domain.pk).update(state=DomainState.ACTIVE, proven_at=timezone.now())


def test_an_environment_claims_a_name_once_and_may_try_again_after_its_end() -> None:
    app = make_app()
    first = add(app)
    with pytest.raises(AlreadyExists, match="has this domain"):
        add(app)
    check(first, FINE)
    for after in (timedelta(), timedelta(days=8)):
        check(first, GONE, after=after)
    second = add(app)
    first.refresh_from_db()
    assert first.state == DomainState.REMOVED
    assert [domain.pk for domain in selectors.domains()] == [second.pk]


def test_an_environment_has_so_many_domains_and_no_more() -> None:
    app = make_app()
    for number in range(MAX_DOMAINS):
        add(app, f"d{number}.customer.test")
    with pytest.raises(InvalidInput, match="remove another first"):
        add(app, "one-more.customer.test")
    domain_remove(domain=CustomDomain.objects.latest("pk"), actor=owner_of(app.organization))
    add(app, "one-more.customer.test")


@pytest.mark.parametrize("name", ["{own}", "x.{own}", "{zone}", "evil.{zone}"])
def test_the_platforms_names_are_no_customers(name: str, settings: LazySettings) -> None:
    settings.APPS_DOMAIN = "apps.platform.test"
    app = make_app()
    own = environment_of(app).subdomains.get().hostname
    with pytest.raises(InvalidInput, match="the platform's own"):
        add(app, name.format(own=own, zone="apps.platform.test"))
    with pytest.raises(InvalidInput, match="the platform's own"):
        add(app, "platform.test")


def test_where_people_reach_the_platform_itself_is_no_customers(settings: LazySettings) -> None:
    settings.WEB_URL = "https://berth.company.test:8443/x"
    settings.ALLOWED_HOSTS = [".portal.test", "127.0.0.1", "[::1]", "*"]
    for name in ("berth.company.test", "company.test", "a.portal.test"):
        with pytest.raises(InvalidInput, match="the platform's own"):
            add(make_app(), name)
    add(make_app(), "other.company.test")


def test_a_claim_of_what_has_become_the_platforms_own_is_not_served(settings: LazySettings) -> None:
    domain = add(make_app())
    settings.WEB_URL = f"https://{NAME}"
    check(domain, FINE)
    assert (domain.state, domain.is_served) == (DomainState.PENDING, False)
    assert f"{NAME} is the platform's own" in domain.detail
    assert "give a name of a domain of yours" in domain.detail


def test_only_owners_and_maintainers_bring_domains() -> None:
    app = make_app()
    developer = make_member(app.organization)
    domain = add(app)
    with pytest.raises(NotPermitted):
        domain_add(environment=environment_of(app), hostname="two.customer.test", actor=developer)
    with pytest.raises(NotPermitted):
        domain_check_request(domain=domain, actor=developer)
    with pytest.raises(NotPermitted):
        domain_remove(domain=domain, actor=developer)


def test_an_app_that_is_being_retired_gets_no_domain() -> None:
    app = make_app(state="retiring")
    with pytest.raises(InvalidTransition, match="gets no domain"):
        add(app)


def test_a_removed_name_is_held_for_its_organization_until_a_date(settings: LazySettings) -> None:
    app, other = make_app(), make_app()
    waiting = add(other)
    domain_remove(domain=proven(app), actor=owner_of(app.organization))
    until = f"{timezone.now() + timedelta(days=settings.NAME_QUARANTINE_DAYS):%Y-%m-%d}"
    with pytest.raises(NameHeld, match=f"held for it until {until}") as caught:
        add(make_app())
    assert app.organization.slug not in caught.value.detail
    for name in ("customer.test", "a.plugin.customer.test"):
        with pytest.raises(NameHeld):
            add(make_app(), name)
    check(waiting, FINE)
    assert (waiting.state, until in waiting.detail) == (DomainState.PENDING, True)
    HeldName.objects.update(held_until=timezone.now())
    assert check(waiting, FINE).state == DomainState.ACTIVE


def test_an_organization_takes_its_own_name_back_by_a_fresh_proof() -> None:
    app = make_app()
    first = proven(app)
    domain_remove(domain=first, actor=owner_of(app.organization))
    again = make_app(organization=app.organization)
    assert proven(again).state == DomainState.ACTIVE
    assert not HeldName.objects.exists()


def test_retiring_an_app_holds_the_names_that_it_has_proven() -> None:
    app = make_app()
    kept, claimed = proven(app), add(app, "two.customer.test", "test")
    app_retire(app=app, actor=owner_of(app.organization))
    assert not domains_take(count=10), "it is not looked at any more"
    for _ in range(2):
        names_hold(app=app)
    assert [held.hostname for held in HeldName.objects.all()] == [NAME]
    assert served(app)[1:] == ()
    for domain in (kept, claimed):
        domain.refresh_from_db()
        assert (domain.state, told(domain)[-1]) == (DomainState.REMOVED, "domain.removed")
        assert told(domain).count("domain.removed") == 1
    with pytest.raises(NameHeld):
        add(make_app())


def test_a_domain_that_is_ended_while_its_app_goes_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    first, second = add(app), add(app, "second.customer.test")
    check(second, FINE)
    ended = domains.domain_end

    def end(**values: Any) -> None:
        # A developer removes the first in this very moment.
        if values["domain"].pk == first.pk:
            CustomDomain.objects.filter(pk=first.pk).update(state=DomainState.REMOVED)
        ended(**values)

    monkeypatch.setattr(domains, "domain_end", end)
    names_hold(app=app)
    second.refresh_from_db()
    assert second.state == DomainState.REMOVED
    assert HeldName.objects.get().hostname == second.hostname


def test_without_a_quarantine_a_name_is_free_at_once(settings: LazySettings) -> None:
    settings.NAME_QUARANTINE_DAYS = 0
    app = make_app()
    domain_remove(domain=proven(app), actor=owner_of(app.organization))
    assert proven(make_app()).state == DomainState.ACTIVE


def test_two_workers_never_look_at_one_domain_at_the_same_time() -> None:
    domain = add(make_app())
    (taken,) = domains_take(count=10)
    assert taken == domain
    assert not domains_take(count=10)
    domain_check_request(domain=domain, actor=owner_of(domain.environment.app.organization))
    assert not domains_take(count=10)


def test_what_a_killed_worker_had_taken_is_taken_again() -> None:
    domain = add(make_app())
    (lost,) = domains_take(count=10)
    CustomDomain.objects.update(lease_until=timezone.now())
    (taken,) = domains_take(count=10)
    assert not domain_checked(domain=lost, look=Look(**FINE)), "the one that came late changes nothing"
    domain.refresh_from_db()
    assert domain.state == DomainState.PENDING
    assert domain_checked(domain=taken, look=Look(**FINE))


def test_a_check_of_what_was_removed_meanwhile_changes_nothing() -> None:
    domain = add(make_app())
    (taken,) = domains_take(count=10)
    domain_remove(domain=domain, actor=owner_of(domain.environment.app.organization))
    assert not domain_checked(domain=taken, look=Look(**FINE))
    domain.refresh_from_db()
    assert domain.state == DomainState.REMOVED


def test_so_many_are_looked_at_by_all_workers_together_and_no_more() -> None:
    for number in range(3):
        add(make_app(), f"customer{number}.test")
    assert len(domains_take(count=2, at_once=3)) == 2
    assert not domains_take(count=2, at_once=3)
    assert len(domains_take(count=2, at_once=4)) == 1


def test_one_organizations_many_claims_keep_no_other_waiting() -> None:
    crowd = make_app()
    for number in range(8):
        add(crowd, f"d{number}.customer.test")
    alone = add(make_app(), "one.other.test")
    assert alone in domains_take(count=2)


def test_a_check_is_asked_for_at_once_and_not_all_the_time() -> None:
    app = make_app()
    domain = proven(app)
    assert not domains_take(count=10)
    owner = owner_of(app.organization)
    domain_check_request(domain=domain, actor=owner)
    with pytest.raises(CheckedTooOften, match="wait 15 seconds"):
        domain_check_request(domain=domain, actor=owner)
    assert domains_take(count=10) == [domain]
    domain_remove(domain=domain, actor=owner)
    with pytest.raises(InvalidTransition, match="add it again"):
        domain_check_request(domain=domain, actor=owner)


def test_whoever_asks_while_a_check_runs_gets_another_one() -> None:
    app = make_app()
    domain = add(app)
    (taken,) = domains_take(count=10)
    domain_check_request(domain=domain, actor=owner_of(app.organization))
    domain_checked(domain=taken, look=Look(**NOTHING))
    assert domains_take(count=10) == [domain]


def test_whoever_serves_names_is_told_after_the_commit(django_capture_on_commit_callbacks: Any) -> None:
    changed: list[int] = []
    asked: list[int] = []

    def on_change(*, domain_id: int, environment_id: int, **_kwargs: Any) -> None:
        changed.append(domain_id)

    def on_request(*, domain_id: int, **_kwargs: Any) -> None:
        asked.append(domain_id)

    custom_domain_changed.connect(on_change)
    custom_domain_check_requested.connect(on_request)
    app = make_app()
    with django_capture_on_commit_callbacks(execute=True):
        domain = add(app)
    assert (asked, changed) == ([domain.pk], [])
    for found in (NOTHING, FINE, FINE, GONE):
        with django_capture_on_commit_callbacks(execute=True):
            check(domain, found)
    assert changed == [domain.pk], "what is served changed once: by the proof"
    with django_capture_on_commit_callbacks(execute=True):
        domain_remove(domain=domain, actor=owner_of(app.organization))
    assert changed == [domain.pk] * 2


def test_who_may_look_is_asked_by_the_name_as_it_would_be_kept() -> None:
    """A policy that speaks of a name is not passed by typing it in capitals."""
    app = make_app()
    organization: Organization = app.organization
    forbid_name(organization, NAME)
    with pytest.raises(NotPermitted, match="not this name"):
        add(app, "PLUGIN.Customer.test.")
    add(app, "other.customer.test")


def forbid_name(organization: Organization, name: str) -> None:
    policy_create(
        name="not-this-name",
        description="not this name",
        effect="deny",
        actions=["domain.create"],
        resource_type="custom_domain",
        subject={"match_all": True},
        resource={"hostname": name, "organization": organization.pk},
        context={"match_all": True},
        actor=make_operator(),
    )

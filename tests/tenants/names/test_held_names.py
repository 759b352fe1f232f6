"""Names in quarantine: who sees them, who ends a hold before its time, and what follows from that."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tenants.exceptions import InvalidInput, InvalidTransition, NameHeld, NotPermitted
from tenants.models import AuditEvent, CustomDomain, HeldName
from tenants.names.choices import DomainState, Finding
from tenants.names.services.domain_checks import Look, domain_checked, domains_take
from tenants.names.services.domains import domain_add
from tenants.names.services.held_names import held_name_release
from tests.factories import (
    api_client,
    environment_of,
    make_app,
    make_held_name,
    make_operator,
    make_organization,
    make_reviewer,
    make_user,
    owner_of,
)

NAME = "plugin.customer.test"
WHY = "the customer has moved to another developer"
FINE = Look(control=Finding.YES, pointing=Finding.YES)


def claim(name: str = NAME) -> CustomDomain:
    app = make_app()
    return domain_add(environment=environment_of(app), hostname=name, actor=owner_of(app.organization))


def listing(output: StringIO) -> list[str]:
    call_command("held_names", "list", stdout=output)
    return output.getvalue().splitlines()


@pytest.mark.django_db
class TestRelease:
    def test_after_it_whoever_proves_the_name_has_it(self) -> None:
        held = make_held_name(make_organization(), NAME)
        with pytest.raises(NameHeld, match="or ask the platform's operators"):
            claim()
        held_name_release(held=held, reason=WHY, actor=make_operator())
        claim()
        (taken,) = domains_take(count=1)
        domain_checked(domain=taken, look=FINE)
        assert CustomDomain.objects.get(pk=taken.pk).state == DomainState.ACTIVE

    def test_names_below_and_above_are_free_with_it_and_no_other_held_name_is(self) -> None:
        organization = make_organization()
        held, other = make_held_name(organization, NAME), make_held_name(organization, "other.customer.test")
        held_name_release(held=held, reason=WHY, actor=make_operator())
        claim(f"a.{NAME}")
        with pytest.raises(NameHeld):
            claim("customer.test")
        with pytest.raises(NameHeld):
            claim(other.hostname)

    def test_the_organization_reads_who_did_it_and_why(self) -> None:
        held, operator = make_held_name(make_organization(), NAME), make_operator()
        held_name_release(held=held, reason=f"  {WHY} ", actor=operator)
        event = AuditEvent.objects.get(action="held_name.released")
        assert (event.organization, event.actor, event.object_id) == (held.organization, operator, NAME)
        assert event.policy == "held-name-operators-release"
        assert event.before == {"held_until": held.held_until.isoformat(), "reason": held.reason}
        assert event.data == {"hostname": NAME, "reason": WHY}
        seen = api_client(owner_of(held.organization)).get("/api/v1/audit/?action=held_name.released").json()
        assert WHY in seen["results"][0]["message"]

    @pytest.mark.parametrize("reason", ["", "  ", "a\x00b", "x" * 20_000])
    def test_it_needs_a_reason_that_people_can_read(self, reason: str) -> None:
        held = make_held_name(make_organization(), NAME)
        with pytest.raises(InvalidInput) as refused:
            held_name_release(held=held, reason=reason, actor=make_operator())
        assert list(refused.value.errors) == ["reason"]
        assert HeldName.objects.filter(pk=held.pk).exists()

    def test_nobody_but_operators_may_not_even_whose_name_it_was(self) -> None:
        held = make_held_name(make_organization(), NAME)
        for user in (owner_of(held.organization), make_reviewer(), make_user(is_auditor=True), make_user()):
            with pytest.raises(NotPermitted):
                held_name_release(held=held, reason=WHY, actor=user)
        assert HeldName.objects.filter(pk=held.pk).exists()

    def test_a_hold_that_is_not_what_was_looked_at_any_more_stays(self) -> None:
        held, operator = make_held_name(make_organization(), NAME), make_operator()
        HeldName.objects.update(held_until=held.held_until + timedelta(days=1))
        with pytest.raises(InvalidTransition, match="look at the list of held names again"):
            held_name_release(held=held, reason=WHY, actor=operator)
        HeldName.objects.update(held_until=timezone.now())
        with pytest.raises(InvalidTransition):
            held_name_release(held=HeldName.objects.get(), reason=WHY, actor=operator)
        assert not AuditEvent.objects.filter(action="held_name.released").exists()


@pytest.mark.django_db
class TestCalls:
    def test_operators_and_auditors_see_what_is_held_until_when_why_and_for_whom(self) -> None:
        held = make_held_name(make_organization(slug="acme"), "bücher.customer.test")
        make_held_name(held.organization, "ended.customer.test")
        HeldName.objects.filter(hostname__startswith="ended").update(held_until=timezone.now())
        for user in (make_operator(), make_user(is_auditor=True)):
            (row,) = api_client(user).get("/api/v1/held-names/").json()["results"]
            assert row == {
                "id": held.pk,
                "hostname": "xn--bcher-kva.customer.test",
                "display_name": "bücher.customer.test",
                "organization": "acme",
                "reason": held.reason,
                "held_until": held.held_until.isoformat().replace("+00:00", "Z"),
            }
        assert "it was removed" in held.reason

    def test_a_release_takes_a_reason_and_answers_once(self) -> None:
        held, client = make_held_name(make_organization(), NAME), api_client(make_operator())
        path = f"/api/v1/held-names/{held.pk}/release/"
        for body in ({}, {"reason": " "}, {"reason": WHY, "hostname": "x"}):
            assert client.post(path, body, format="json").status_code == 400
        assert client.post(path, {"reason": WHY}, format="json").status_code == 204
        assert client.post(path, {"reason": WHY}, format="json").status_code == 404

    def test_a_hold_that_has_ended_is_not_there(self) -> None:
        held, client = make_held_name(make_organization(), NAME), api_client(make_operator())
        HeldName.objects.update(held_until=timezone.now())
        answer = client.post(f"/api/v1/held-names/{held.pk}/release/", {"reason": WHY}, format="json")
        assert answer.status_code == 404


@pytest.mark.django_db
class TestCommand:
    def test_it_lists_what_is_held(self) -> None:
        held = make_held_name(make_organization(slug="acme"), "bücher.customer.test")
        (line,) = listing(StringIO())
        until = f"{held.held_until:%Y-%m-%d %H:%M} UTC"
        assert line == f"xn--bcher-kva.customer.test (bücher.customer.test) until {until} for acme: {held.reason}"

    def test_it_ends_a_hold_by_the_name_as_people_type_it(self) -> None:
        make_held_name(make_organization(), "bücher.customer.test")
        call_command("held_names", "release", "BÜCHER.customer.test.", "--reason", WHY, stdout=StringIO())
        assert listing(StringIO()) == []
        event = AuditEvent.objects.get(action="held_name.released")
        assert (event.actor, event.data["reason"]) == (None, WHY)

    def test_it_says_what_is_wrong(self) -> None:
        make_held_name(make_organization(), NAME)
        with pytest.raises(CommandError, match=r"other\.test is not held"):
            call_command("held_names", "release", "other.test", "--reason", WHY)
        with pytest.raises(CommandError, match="hostname: "):
            call_command("held_names", "release", "no name", "--reason", WHY)
        with pytest.raises(CommandError, match="reason: is empty"):
            call_command("held_names", "release", NAME, "--reason", " ")

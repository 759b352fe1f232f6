"""Users; the command that makes the first one."""

import io
import re

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from tenants.exceptions import AlreadyExists, InvalidInput, NotPermitted
from tenants.models import AuditEvent, User
from tenants.people.services.users import user_create
from tests.factories import PASSWORD, make_operator, make_organization, make_service_account, make_user

pytestmark = pytest.mark.django_db


def test_a_user_is_created_with_roles_and_a_hashed_password() -> None:
    user = user_create(
        username="ann", password=PASSWORD, email="ann@example.test", actor=make_operator(), is_reviewer=True
    )
    assert user.roles == ["reviewer"]
    assert user.check_password(PASSWORD)
    assert PASSWORD not in str(list(AuditEvent.objects.values()))


def test_only_operators_create_users() -> None:
    with pytest.raises(NotPermitted):
        user_create(username="x", password=PASSWORD, email="x@example.test", actor=make_user(is_reviewer=True))


def test_names_differ_in_more_than_case() -> None:
    make_user("Ann")
    with pytest.raises(AlreadyExists):
        user_create(username="aNN", password=PASSWORD, email="x@example.test", actor=None)


def test_every_refused_field_is_named() -> None:
    with pytest.raises(InvalidInput) as refused:
        user_create(username="a b", password="short", email="nowhere", actor=None)
    assert set(refused.value.errors) == {"username", "password", "email"}
    assert not User.objects.exists()


def run(monkeypatch: pytest.MonkeyPatch, typed: str, *arguments: str) -> str:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    call_command("user_add", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_reads_the_password_and_does_not_print_it(monkeypatch: pytest.MonkeyPatch) -> None:
    roles = ("--reviewer", "--operator", "--auditor")
    printed = run(monkeypatch, f"{PASSWORD}\n", "ann", "--email", "ann@example.test", *roles)
    assert PASSWORD not in printed
    user = User.objects.get(username="ann")
    assert user.roles == ["reviewer", "operator", "auditor"]
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize("arguments", [(), ("--generate",)])
def test_the_command_makes_a_password_and_prints_it_once(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    printed = run(monkeypatch, "", "ann", "--email", "ann@example.test", *arguments)
    (password,) = re.findall(r"^password: (\S{20,})$", printed, re.MULTILINE)
    assert User.objects.get(username="ann").check_password(password)


def test_the_command_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="email: "):
        run(monkeypatch, f"{PASSWORD}\n", "ann", "--email", "nowhere")
    assert not User.objects.exists()


@pytest.mark.parametrize("role", ["is_reviewer", "is_operator", "is_auditor", "is_superuser"])
def test_the_database_keeps_platform_roles_from_service_accounts(role: str) -> None:
    account = make_service_account(make_organization())
    with pytest.raises(IntegrityError, match="service_account_holds_no_platform_role"), transaction.atomic():
        User.objects.filter(pk=account.pk).update(**{role: True})

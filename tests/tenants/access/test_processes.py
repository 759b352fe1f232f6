"""A change counts at once in every process and thread, and what one of them remembers is nobody else's."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction

from tenants.access import evaluation, may, people_changed, policies_changed, restrict
from tenants.access.evaluation import PolicySet
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.models import AccessPolicy, Membership, PluginApp, User
from tenants.people.choices import MemberRole
from tests.factories import make_app, make_user

pytestmark = pytest.mark.django_db(transaction=True)
ALL = {"match_all": True}
# Answers each line, the names of a user and an app, for as long as it is asked.
OTHER_PROCESS = """
import sys, django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from tenants.access import may, restrict
from tenants.models import PluginApp, User
for line in sys.stdin:
    user, app = (model.objects.get(pk=pk) for model, pk in zip((User, PluginApp), line.split()))
    found = restrict(PluginApp.objects.all(), user, "app.view").filter(pk=app.pk).exists()
    print(may(user, "app.view", app), found, flush=True)
"""


@contextmanager
def other_process() -> Iterator[Callable[[User, PluginApp], bool]]:
    """Asks a process of its own whether the user may see the app."""
    name = str(connection.settings_dict["NAME"])
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "paas.settings.test"}
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def ask(user: User, app: PluginApp) -> bool:
        stdin.write(f"{user.pk} {app.pk}\n")
        stdin.flush()
        decided, found = stdout.readline().split()
        assert decided == found
        return decided == "True"

    try:
        yield ask
    finally:
        stdin.close()
        process.wait()
        stdout.close()


def here(user: User, app: PluginApp) -> bool:
    decided = may(user, "app.view", app)
    assert restrict(PluginApp.objects.all(), user, "app.view").filter(pk=app.pk).exists() is decided
    return decided


def opened(user: User) -> AccessPolicy:
    return AccessPolicy.objects.create(
        name="one-more",
        description="One more.",
        effect="allow",
        actions=["app.view"],
        resource_type="app",
        subject={"username": user.username},
        resource=ALL,
        context=ALL,
    )


def test_a_change_counts_at_once_in_another_process_and_one_that_is_taken_back_nowhere() -> None:
    user, app = make_user(), make_app()
    with other_process() as there:

        def everywhere() -> set[bool]:
            return {here(user, app), there(user, app)}

        assert everywhere() == {False}
        with transaction.atomic():
            policy = opened(user)
            policies_changed()
            assert (here(user, app), there(user, app)) == (True, False)
            transaction.set_rollback(True)
        assert everywhere() == {False}
        with transaction.atomic():
            policy = opened(user)
            policies_changed()
        assert everywhere() == {True}
        with transaction.atomic():
            AccessPolicy.objects.filter(pk=policy.pk).update(is_enabled=False)
            policies_changed()
        assert everywhere() == {False}
        with transaction.atomic():
            user.is_auditor = True
            user.save()
            people_changed()
        assert everywhere() == {True}
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(is_active=False)
            people_changed()
        assert there(user, app) is False


def test_what_one_thread_remembers_is_not_another_s() -> None:
    user, app = make_user(is_auditor=True), make_app()
    answers: list[Any] = []

    def ask() -> None:
        try:
            answers.append(may(user, "app.view", app))
        finally:
            connection.close()

    with evaluation(PolicySet()):
        assert not may(user, "app.view", app)
        thread = Thread(target=ask)
        thread.start()
        thread.join()
    assert answers == [True]
    assert may(user, "app.view", app)


def test_a_request_sees_its_own_changes_and_otherwise_one_state() -> None:
    user, app = make_user(), make_app()
    with evaluation():
        assert not may(user, "app.view", app)
        policy = opened(user)
        assert not may(user, "app.view", app), "nobody said that policies have changed"
        policies_changed()
        assert may(user, "app.view", app)
        policy.delete()
        policies_changed()
        assert not may(user, "app.view", app)


def test_what_a_request_read_of_changes_that_were_taken_back_counts_no_more() -> None:
    user, app = make_user(), make_app()

    def owner_until_taken_back() -> None:
        Membership.objects.create(organization=app.organization, user=user, role=MemberRole.OWNER)
        people_changed()

    def opened_until_taken_back() -> None:
        opened(user)
        policies_changed()

    def fail_after(change: Callable[[], None]) -> None:
        with unit_of_work():
            change()
            assert here(user, app)
            raise RuntimeError

    with evaluation():
        for change in (owner_until_taken_back, opened_until_taken_back):
            with pytest.raises(RuntimeError):
                fail_after(change)
            assert not here(user, app)

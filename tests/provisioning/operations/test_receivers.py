"""A receiver takes the row that its signal names, and no other. The sweep looks at the rest."""

import pytest

from provisioning.models import Deployment, Operation
from provisioning.operations import wakeups
from provisioning.receivers import check_domain, deploy_approved_release, end_git_tokens
from tenants.names.services.domain_checks import domains_take
from tenants.names.services.domains import domain_add
from tenants.releases.choices import ReleaseState
from tests.factories import environment_of, make_app, make_release, make_user, owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    sent: list[tuple[str, tuple[int, ...]]] = []
    monkeypatch.setattr(wakeups, "_publish", lambda task, *arguments, **_options: sent.append((task, arguments)))
    return sent


def test_an_approval_starts_the_deployment_of_its_own_environment(messages: list[tuple[str, tuple[int, ...]]]) -> None:
    release, other = make_release(state=ReleaseState.APPROVED), make_release(state=ReleaseState.APPROVED)
    Operation.objects.all().delete()
    deploy_approved_release(release_id=release.pk)
    deployment = Deployment.objects.get()
    assert deployment.release == release != other
    assert messages == [(wakeups.RUN_OPERATION, (deployment.pk,))]


def test_messages_carry_the_id_of_the_signal(messages: list[tuple[str, tuple[int, ...]]]) -> None:
    user = make_user()
    check_domain(domain_id=7)
    end_git_tokens(user_id=user.pk)
    assert messages == [(wakeups.CHECK_DOMAINS, (7,)), (wakeups.END_GIT_TOKENS, (user.pk,))]


def test_a_check_of_one_domain_takes_no_other_and_none_that_is_taken() -> None:
    app = make_app()
    actor = owner_of(app.organization)
    one, other = (
        domain_add(environment=environment_of(app), hostname=f"{name}.customer.test", actor=actor)
        for name in ("one", "other")
    )
    assert domains_take(count=1, domain_id=one.pk) == [one]
    assert domains_take(count=1, domain_id=one.pk) == []
    assert domains_take(count=1, at_once=1, domain_id=other.pk) == []
    assert domains_take(count=10) == [other]

"""B20: the same again. The next reviewer is told earlier decisions on a commit, and nothing waits twice."""

from collections.abc import Callable
from typing import Any

import pytest

from provisioning.releases.workflow import check as check_release
from tenants.exceptions import AlreadyExists
from tenants.models import Release
from tenants.releases.choices import ReleaseState
from tenants.releases.services import releases
from tests.attacks.review.conftest import Desk
from tests.code_repositories import Plugin
from tests.factories import environment_of, make_reviewer, owner_of

Make = Callable[..., Release]


def test_a_second_request_for_a_rejected_digest_says_so(plugin: Plugin, waiting: Make, desk: Desk, client: Any) -> None:
    sha = plugin.push({"a.php": "<?php 1;\n"})
    first = waiting(sha)
    assert desk.reject(first, "it sends passwords elsewhere").status_code == 200
    again = waiting(sha)
    assert again.digest == first.digest
    other = Desk(make_reviewer("ruth"))
    (earlier,) = other.get(again, "").json()["earlier_decisions"]
    assert (earlier["decision"], earlier["reviewer"], earlier["release_number"]) == ("reject", "rita", first.number)
    assert (earlier["comment"], earlier["digest"]) == ("it sends passwords elsewhere", again.digest)
    client.force_login(other.user)
    page = client.get(f"/releases/{again.pk}/review/").content.decode()
    assert page.index("it sends passwords elsewhere") < page.index("Checks")
    assert page.index("The same commit before") < page.index("<h2>Checks")


def test_a_decision_in_another_environment_is_told_too(plugin: Plugin, waiting: Make, desk: Desk) -> None:
    sha = plugin.push({"a.php": "<?php 1;\n"})
    desk.reject(waiting(sha, environment="test"), "no")
    again = waiting(sha)
    (earlier,) = desk.get(again, "").json()["earlier_decisions"]
    assert earlier["environment"] == "test"
    assert earlier["digest"] != again.digest


def test_the_same_commit_does_not_wait_twice_in_one_environment(plugin: Plugin, waiting: Make) -> None:
    sha = plugin.push({"a.php": "<?php 1;\n"})
    first = waiting(sha)
    with pytest.raises(AlreadyExists, match=f"release {first.number} of the same commit, settings and variables waits"):
        waiting(sha)
    # In another environment, and with other settings, it is another thing to decide on.
    waiting(sha, environment="test")
    owner = owner_of(plugin.app.organization)
    second = releases.release_submit(environment=environment_of(plugin.app), ref="main", notes="", actor=owner)
    check_release.resolve_at_once(second)
    second.refresh_from_db()
    assert second.state == ReleaseState.FAILED
    assert f"release {first.number} of the same commit" in second.error
    releases.release_cancel(release=first, actor=owner)
    third = releases.release_submit(environment=environment_of(plugin.app), ref="main", notes="", actor=owner)
    check_release.resolve_at_once(third)
    third.refresh_from_db()
    assert third.state == ReleaseState.CHECKING

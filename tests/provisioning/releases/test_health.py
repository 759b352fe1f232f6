"""One rule of health: a page may be as slow as the deadline allows, and the message names the limit that was met."""

import pytest

from provisioning.releases.workflow import health
from provisioning.releases.workflow.health import look_until_healthy


def test_a_look_may_take_as_long_as_is_left() -> None:
    """A first page that takes three seconds was ill while each look had two."""
    given: list[float] = []

    def ask(timeout_s: float) -> tuple[str, bool]:
        given.append(timeout_s)
        return "200 OK", True

    found = look_until_healthy(ask, deadline_s=1000)
    assert (found.is_healthy, found.answer) == (True, "200 OK")
    assert 900 < given[0] <= 1000


def test_silence_until_the_deadline_names_the_deadline_and_not_the_last_look() -> None:
    found = look_until_healthy(lambda _timeout_s: ("no answer within 0.01 s", False), deadline_s=0.1)
    assert (found.is_healthy, found.answer) == (False, "no answer within 0.1 s")


def test_an_answer_that_came_is_told_although_the_last_look_met_the_deadline() -> None:
    answers = iter([("500 Internal Server Error", False)])
    found = look_until_healthy(lambda _timeout_s: next(answers, ("no answer within 0.01 s", False)), deadline_s=0.2)
    assert found.answer == "500 Internal Server Error"


def test_a_bad_answer_is_not_looked_at_until_the_deadline_where_patience_is_less() -> None:
    found = look_until_healthy(lambda _timeout_s: ("500 Internal Server Error", False), deadline_s=1000, patience_s=0)
    assert (found.is_healthy, found.answer) == (False, "500 Internal Server Error")


def test_containers_that_ended_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "ENDED_S", 0)
    found = look_until_healthy(lambda _timeout_s: ("refused", False), deadline_s=1000, has_ended=lambda: True)
    assert (found.is_healthy, found.answer) == (False, "a container ended")


def test_nobody_looks_for_a_worker_that_has_lost_its_lease() -> None:
    assert not look_until_healthy(lambda _timeout_s: ("200 OK", True), deadline_s=1000, is_over=lambda: True).is_healthy

"""What reviewers are shown of variables: values of those that are no secrets, and words for the rest."""

import json
from typing import Any

import pytest

from provisioning.releases.selectors.variable_changes import variable_changes
from tenants.apps.services.environments import variable_set
from tenants.models import Release
from tenants.releases.services.releases import release_submit
from tests.factories import environment_of, make_app, owner_of

NAMES = ("name", "change", "before", "before_is_secret", "after", "after_is_secret")


def release(variables: dict[str, str], *secret: str, is_old: bool = False) -> Release:
    return Release(variables=json.dumps(variables), secret_variables=None if is_old else list(secret))


@pytest.mark.parametrize(
    ("live", "new", "rows"),
    [
        (None, release({"A": "1"}), [("A", "set", None, None, "1", False)]),
        (None, release({"A": "1"}, "A"), [("A", "set", None, None, None, True)]),
        (release({"A": "1"}), release({"A": "2"}), [("A", "changed", "1", False, "2", False)]),
        (release({"A": "1"}, "A"), release({"A": "2"}, "A"), [("A", "changed", None, True, None, True)]),
        (release({"A": "1"}), release({}), [("A", "removed", "1", False, None, None)]),
        (release({"A": "1"}, "A"), release({}), [("A", "removed", None, True, None, None)]),
        (release({"A": "1"}, "A"), release({"A": "1"}), [("A", "secrecy", None, True, "1", False)]),
        (release({"A": "1"}), release({"A": "1"}, "A"), [("A", "secrecy", "1", False, None, True)]),
        (release({"A": "1"}), release({"A": "1"}), []),
        # A release of before it was kept tells nothing that may have been a secret.
        (release({"A": "1"}, is_old=True), release({"A": "2"}), [("A", "changed", None, True, "2", False)]),
        (None, release({"A": "1"}, is_old=True), [("A", "set", None, None, None, True)]),
    ],
)  # fmt: skip
def test_before_and_after(live: Release | None, new: Release, rows: list[Any]) -> None:
    assert variable_changes(live, new) == [dict(zip(NAMES, row, strict=True)) for row in rows]


@pytest.mark.django_db
def test_a_release_keeps_which_of_its_variables_are_secrets() -> None:
    app = make_app()
    environment, owner = environment_of(app), owner_of(app.organization)
    variable_set(environment=environment, name="MODE", value="fast", is_secret=False, actor=owner)
    variable_set(environment=environment, name="KEY", value="k-e-y", is_secret=True, actor=owner)
    found = release_submit(environment=environment, ref="main", notes="", actor=owner)
    variable_set(environment=environment, name="MODE", value="fast", is_secret=True, actor=owner)
    found.refresh_from_db()
    assert found.secret_variables == ["KEY"]
    assert [(row["name"], row["after"]) for row in variable_changes(None, found)] == [("KEY", None), ("MODE", "fast")]

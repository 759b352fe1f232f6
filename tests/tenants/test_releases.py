import pytest

from tenants.choices import AppState, ReleaseState
from tests.factories import make_app, make_release


@pytest.mark.django_db
@pytest.mark.parametrize("state", ReleaseState.values)
def test_every_state_is_reached_by_the_way_that_people_and_platform_take(state: str) -> None:
    assert make_release(state=state).state == state


@pytest.mark.django_db
@pytest.mark.parametrize("state", AppState.values)
def test_every_app_state_is_reached(state: str) -> None:
    app = make_app(state=state)
    app.refresh_from_db()
    assert app.state == state

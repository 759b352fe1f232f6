"""An app ends by its name, after a look at everything that ends with it."""

import pytest

from tenants.apps.choices import AppState
from tenants.names.services.domains import domain_add
from tenants.releases.choices import ReleaseState
from tests.factories import environment_of, make_app, make_member, make_release, owner_of
from tests.paas.portal.conftest import Visit

pytestmark = pytest.mark.django_db


def test_an_app_ends_once_its_slug_is_typed_in(visit: Visit) -> None:
    app = make_app(slug="tide-watch")
    owner = owner_of(app.organization)
    make_release(app=app, state=ReleaseState.LIVE)
    make_release(app=app, state=ReleaseState.AWAITING_REVIEW)
    domain_add(environment=environment_of(app), hostname="tide.customer.test", actor=owner)
    client, path = visit(owner), f"/apps/{app.public_id}/retire/"
    assert path in client.get(f"/apps/{app.public_id}/").content.decode()
    text = client.get(path).content.decode()
    for lost in ("release 1 is live and stops", f"{app.public_id}.apps", "1 release under way", "tide.customer.test"):
        assert lost in text
    for sent in ({}, {"confirmed": "yes"}, {"confirmed": "yes", "phrase": "tide"}, {"phrase": "tide-watch"}):
        answer = client.post(path, sent)
        assert answer.status_code == (400 if "confirmed" in sent else 200)
        app.refresh_from_db()
        assert app.state == AppState.ACTIVE
    assert 'value="tide"' in client.post(path, {"confirmed": "yes", "phrase": "tide"}).content.decode()
    answer = client.post(path, {"confirmed": "yes", "phrase": "tide-watch"})
    assert answer["Location"] == f"/apps/{app.public_id}/"
    app.refresh_from_db()
    assert app.state == AppState.RETIRING
    assert path not in client.get(f"/apps/{app.public_id}/").content.decode()
    again = client.post(path, {"confirmed": "yes", "phrase": "tide-watch"})
    assert again.status_code == 409


def test_a_developer_is_offered_no_end_and_is_refused(visit: Visit) -> None:
    app = make_app()
    client, path = visit(make_member(app.organization)), f"/apps/{app.public_id}/retire/"
    assert path not in client.get(f"/apps/{app.public_id}/").content.decode()
    answer = client.post(path, {"confirmed": "yes", "phrase": app.slug})
    assert answer.status_code == 403
    assert "ask an owner" in answer.content.decode()
    app.refresh_from_db()
    assert app.state == AppState.ACTIVE

"""The environment's card shows as live what is live, and marks what waits for the next release."""

import re

import pytest

from tenants.apps.services import environments
from tenants.releases.choices import ReleaseState
from tests.factories import environment_of, make_app, make_release, owner_of
from tests.paas.portal.conftest import Visit

pytestmark = pytest.mark.django_db


def test_a_setting_that_is_not_live_yet_does_not_stand_as_if_it_were(visit: Visit) -> None:
    app = make_app()
    owner, environment = owner_of(app.organization), environment_of(app)
    client, path = visit(owner), f"/apps/{app.public_id}/"
    assert "With the first release" in client.get(path).content.decode()
    environments.variable_set(environment=environment, name="OLD", value="old-value", is_secret=True, actor=owner)
    make_release(app=app, state=ReleaseState.LIVE)
    text = client.get(path).content.decode()
    assert "with the next release" not in text.split('id="environment-production"')[1].split("</section>")[0]
    environments.environment_update(environment=environment, memory_mib=300, actor=owner)
    environments.variable_remove(environment=environment, name="OLD", actor=owner)
    environments.variable_set(environment=environment, name="NEW", value="new-value", is_secret=False, actor=owner)
    text = client.get(path).content.decode()
    card = re.sub(r"<[^>]+>", "", text.split('id="environment-production"')[1].split("</section>")[0])
    assert "memory256 MiB 300 MiB with the next release" in card
    assert "NEW not live yet, set with the next release" in card
    assert "OLD secret still live, gone with the next release" in card
    assert "-value" not in text

"""Which images a deployment runs on: chosen once, kept with it, and told if they are others than before."""

from collections.abc import Iterable
from typing import Any

import pytest

from provisioning.exceptions import OperatorError
from provisioning.models import Host, Operation
from provisioning.operations.choices import OperationKind, OperationState
from provisioning.operations.engine import Run
from provisioning.releases.workflow import images
from tenants.releases.choices import ReleaseState
from tests.factories import make_release

pytestmark = pytest.mark.django_db
TAGS = {"base": "base:1", "web": "web:1", "php": "php:1"}


class Engine:
    """What tags stand for on a host, and which ids it has beside them."""

    def __init__(self, **tags: str) -> None:
        self.tags = tags
        self.others: set[str] = set()

    def image_ids(self, references: Iterable[str]) -> dict[str, str]:
        known = {f"{name}:1": image for name, image in self.tags.items()}
        known |= {image: image for image in {*self.tags.values(), *self.others}}
        return {reference: known[reference] for reference in references if reference in known}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    found = Engine(web="sha256:web", php="sha256:php")
    monkeypatch.setattr(images, "engine_for", lambda _url: found)
    monkeypatch.setattr(images, "image_tags", lambda: TAGS)
    return found


@pytest.fixture
def host() -> Host:
    return Host.objects.create(name="here", address="127.0.0.1", port_first=20_000, port_last=20_100)


def deployment(**fields: Any) -> Run:
    values = {"kind": OperationKind.DEPLOY_RELEASE, "fence": 1} | fields
    if "release" not in values:
        values["release"] = make_release(state=ReleaseState.APPROVED)
    release = values["release"]
    operation = Operation.objects.create(app=release.app, environment=release.environment, **values)
    return Run(Operation.objects.get(pk=operation.pk), 1)


def test_the_first_choice_is_kept_although_tags_move(engine: Engine, host: Host) -> None:
    run = deployment()
    chosen = {"web": "sha256:web", "php": "sha256:php"}
    assert images.images_of(run, host) == chosen
    engine.others, engine.tags["php"] = {"sha256:php"}, "sha256:rebuilt"
    again = Run(Operation.objects.get(pk=run.operation.pk), 1)
    assert images.images_of(again, host) == again.operation.data["images"] == chosen
    assert again.lines == []


def test_one_that_is_gone_from_the_host_is_chosen_anew(engine: Engine, host: Host) -> None:
    run = deployment()
    images.images_of(run, host)
    engine.tags["php"] = "sha256:rebuilt"
    assert images.images_of(run, host)["php"] == "sha256:rebuilt"


def test_a_host_without_an_image_is_the_operators(engine: Engine, host: Host) -> None:
    del engine.tags["php"]
    with pytest.raises(OperatorError, match=r"host here has no image php:1 .*an operator must run bin/up"):
        images.images_of(deployment(), host)


@pytest.mark.parametrize(("is_there", "said"), [(True, "which is still there"), (False, "which is gone from here")])
def test_a_rollback_runs_on_todays_images_and_says_so(engine: Engine, host: Host, is_there: bool, said: str) -> None:
    before = deployment()
    images.images_of(before, host)
    Operation.objects.filter(pk=before.operation.pk).update(state=OperationState.SUCCEEDED)
    engine.tags["php"] = "sha256:rebuilt"
    engine.others = {"sha256:php"} if is_there else set()
    run = deployment(release=before.operation.release, is_rollback=True)
    assert images.images_of(run, host) == {"web": "sha256:web", "php": "sha256:rebuilt"}
    assert [line for line in run.lines if "before" in line] == [
        f"the release ran on another php image before, {said}: it runs on today's now"
    ]

"""Which images a deployment runs on: by id, chosen once, so that a repair starts the very same, whatever a tag says."""

from provisioning.containers.docker_engine import engine_for
from provisioning.containers.images import image_tags
from provisioning.exceptions import OperatorError
from provisioning.inventory.models.host import Host
from provisioning.operations.engine import Run
from provisioning.operations.models import Deployment


def images_of(run: Run, host: Host) -> dict[str, str]:
    """Name -> id of each image on the host. The first call chooses what the tags say there, and notes it.

    A rollback, too, runs on today's images: an earlier release gets the security updates that came since. If it ran on
    others before, the step's output says so. Raises `OperatorError` if the host has not got an image.
    """
    chosen: dict[str, str] | None = run.operation.data.get("images")
    tags = {name: tag for name, tag in image_tags().items() if name != "base"}
    present = engine_for(host.docker_url).image_ids([*tags.values(), *(chosen or {}).values()])
    if chosen is not None and all(image in present for image in chosen.values()):
        return chosen
    missing = [tag for tag in tags.values() if tag not in present]
    if missing:
        raise OperatorError(
            f"host {host.name} has no image {', '.join(missing)} (Berth was upgraded under a running platform?): "
            "an operator must run bin/up, or manage.py build_images, and deploy the release again"
        )
    images = {name: present[tag] for name, tag in tags.items()}
    for name, image in images.items():
        run.note(f"image {tags[name]} is {image}")
    _note_others(run, host, images)
    run.remember(images=images)
    return images


def _note_others(run: Run, host: Host, images: dict[str, str]) -> None:
    earlier = Deployment.objects.filter(release=run.operation.release, data__has_key="images")
    before = earlier.exclude(pk=run.operation.pk).order_by("-pk").values_list("data", flat=True).first()
    if before is None:
        return
    changed = {name: image for name, image in before["images"].items() if images.get(name) != image}
    left = engine_for(host.docker_url).image_ids(changed.values())
    for name, image in changed.items():
        where = "is still there" if image in left else f"is gone from {host.name}"
        run.note(f"the release ran on another {name} image before, which {where}: it runs on today's now")

"""Which hooks hear of a push."""

from provisioning.embedded_forge import protection, spool
from provisioning.embedded_forge.models import Project
from provisioning.embedded_forge.webhooks import deliveries


def announce(project: Project, push: spool.Push) -> None:
    """One event for each ref that moved, as GitLab sends them."""
    for hook in project.hooks.all():
        for old, new, ref in push.updates:
            event = "tag_push_events" if ref.startswith("refs/tags/") else "push_events"
            branch = ref.removeprefix("refs/heads/")
            if event not in hook.events:
                continue
            if (
                event == "push_events"
                and hook.push_branch_filter
                and not protection.matches(hook.push_branch_filter, branch)
            ):
                continue
            deliveries.enqueue_for(hook, event, {"user": push.user_id, "before": old, "after": new, "ref": ref})

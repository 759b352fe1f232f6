"""What the management repository runs: its pipeline, one job, and that job's script. The same for every app."""

from provisioning.rendering.text import fill, template


def render_gitlab_ci() -> str:
    """`.gitlab-ci.yml`: valid for GitLab and for the embedded forge. A push makes no pipeline; the platform does."""
    return template("gitlab-ci/gitlab-ci.yml")


def render_deploy_script() -> str:
    """`deploy.sh`. It has no text of any app's in it: everything comes as a variable, and is checked there."""
    return fill("gitlab-ci/deploy.sh", START_RELEASE=render_start_functions())


def render_start_functions() -> str:
    """`start_release` and what it calls, for bash: what the pipeline and the reconciler start containers with."""
    return template("gitlab-ci/start.sh")


def render_check_tree() -> str:
    """`check_tree.py`, which `deploy.sh` runs on what it fetched, and the platform on its own copy before a review."""
    return template("gitlab-ci/check_tree.py")

"""The predefined variables `CI_*`, as far as this forge has something to say."""

import re
from urllib.parse import urlsplit

from provisioning.embedded_forge import configuration
from provisioning.embedded_forge.ci.variables import JobVariable
from provisioning.embedded_forge.entities.projects import http_url, web_url
from provisioning.embedded_forge.git.history import Commit
from provisioning.embedded_forge.models import Job, Pipeline, Project, User


def slug(ref: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", ref.lower())[:63].strip("-")


def of_pipeline(
    project: Project, user: User | None, *, ref: str, is_tag: bool, is_protected: bool, source: str, commit: Commit
) -> list[JobVariable]:
    """Those that stand before the pipeline has an id, and that rules may ask for."""
    url = urlsplit(configuration.external_url())
    port = str(url.port or (443 if url.scheme == "https" else 80))
    values = {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_SERVER": "yes",
        "CI_SERVER_NAME": "GitLab",
        "CI_SERVER_URL": configuration.external_url(),
        "CI_SERVER_HOST": url.hostname or "",
        "CI_SERVER_PORT": port,
        "CI_SERVER_PROTOCOL": url.scheme,
        "CI_SERVER_VERSION": configuration.VERSION,
        "CI_API_V4_URL": f"{configuration.external_url()}/api/v4",
        "CI_PROJECT_ID": str(project.pk),
        "CI_PROJECT_NAME": project.path,
        "CI_PROJECT_TITLE": project.name,
        "CI_PROJECT_PATH": project.full_path,
        "CI_PROJECT_PATH_SLUG": slug(project.full_path),
        "CI_PROJECT_NAMESPACE": project.namespace.full_path,
        "CI_PROJECT_ROOT_NAMESPACE": project.namespace.full_path.split("/", 1)[0],
        "CI_PROJECT_URL": web_url(project.full_path),
        "CI_PROJECT_VISIBILITY": project.visibility,
        "CI_DEFAULT_BRANCH": project.default_branch,
        "CI_CONFIG_PATH": project.config_path,
        "CI_PIPELINE_SOURCE": source,
        "CI_COMMIT_SHA": commit.sha,
        "CI_COMMIT_SHORT_SHA": commit.sha[:8],
        "CI_COMMIT_BEFORE_SHA": "0" * 40,
        "CI_COMMIT_REF_NAME": ref,
        "CI_COMMIT_REF_SLUG": slug(ref),
        "CI_COMMIT_REF_PROTECTED": str(is_protected).lower(),
        "CI_COMMIT_MESSAGE": commit.message,
        "CI_COMMIT_TITLE": commit.title,
        "CI_COMMIT_DESCRIPTION": commit.message.partition("\n")[2].strip(),
        "CI_COMMIT_AUTHOR": f"{commit.author_name} <{commit.author_email}>",
        "CI_COMMIT_TIMESTAMP": commit.committed_at,
        "CI_COMMIT_TAG" if is_tag else "CI_COMMIT_BRANCH": ref,
    }
    if user is not None:
        values |= {
            "GITLAB_USER_ID": str(user.pk),
            "GITLAB_USER_LOGIN": user.username,
            "GITLAB_USER_NAME": user.name,
            "GITLAB_USER_EMAIL": user.email,
        }
    return [JobVariable(key, value, is_raw=True) for key, value in values.items()]


def of_job(job: Job, pipeline: Pipeline, project: Project, *, token: str, directory: str) -> list[JobVariable]:
    """Those of one run of a job. `directory` is where its checkout lies."""
    root = web_url(project.full_path)
    url = urlsplit(http_url(project))
    values = {
        "CI_PIPELINE_ID": str(pipeline.pk),
        "CI_PIPELINE_IID": str(pipeline.iid),
        "CI_PIPELINE_URL": f"{root}/-/pipelines/{pipeline.pk}",
        "CI_PIPELINE_CREATED_AT": pipeline.created_at.isoformat(),
        "CI_JOB_ID": str(job.pk),
        "CI_JOB_NAME": job.name,
        "CI_JOB_NAME_SLUG": slug(job.name),
        "CI_JOB_STAGE": job.stage,
        "CI_JOB_URL": f"{root}/-/jobs/{job.pk}",
        "CI_JOB_STATUS": "running",
        "CI_JOB_TIMEOUT": str(job.timeout_s),
        "CI_JOB_STARTED_AT": job.started_at.isoformat() if job.started_at else "",
        "CI_BUILDS_DIR": directory.rpartition("/")[0],
        "CI_PROJECT_DIR": directory,
        "CI_RUNNER_DESCRIPTION": "embedded",
    }
    if job.environment:
        values |= {
            "CI_ENVIRONMENT_NAME": job.environment,
            "CI_ENVIRONMENT_SLUG": slug(job.environment)[:24],
            "CI_ENVIRONMENT_ACTION": str(job.definition.get("environment", {}).get("action", "start")),
        }
    secret = {
        "CI_JOB_TOKEN": token,
        "CI_REPOSITORY_URL": f"{url.scheme}://gitlab-ci-token:{token}@{url.netloc}{url.path}",
    }
    found = [JobVariable(key, value, is_raw=True) for key, value in values.items()]
    found += [JobVariable(key, value, is_raw=True, is_masked=key == "CI_JOB_TOKEN") for key, value in secret.items()]
    return found

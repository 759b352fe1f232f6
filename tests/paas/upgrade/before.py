"""An installation as the first release of Berth left it: its tables, and rows of every kind in them."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from tenants.people.services.tokens import token_sha256
from tests.factories import PASSWORD

FIRST = [("tenants", "0001_initial"), ("provisioning", "0001_initial")]
PEOPLE = ("olga", "mark", "dora", "sid", "rita", "otto", "root")
ROLES = {"olga": "owner", "mark": "maintainer", "dora": "developer"}
# What the first release gave an owner or maintainer and a developer of an organization, with django-guardian.
GRANTED = {"developer": {"view_organization", "submit_release", "read_logs"}}
GRANTED["maintainer"] = GRANTED["developer"] | {"create_app", "change_app", "retire_app"}
GRANTED["owner"] = GRANTED["maintainer"] | {"manage_members"}
STATES = ("active", "provisioning", "failed", "retiring", "retired")
DIGEST, COMMIT = "d" * 64, "c" * 40

Rows = dict[str, list[dict[str, Any]]]


def migrate_to_first() -> Any:
    """The models of the first release, when the database is as it left it."""
    executor = MigrationExecutor(connection)
    executor.migrate(FIRST)
    loader = MigrationExecutor(connection).loader
    return loader.project_state(FIRST + loader.graph.leaf_nodes("guardian")).apps


def snapshot(models: Any) -> Rows:
    """All values of all rows, by the model's label."""
    found = {}
    for model in models.get_models(include_auto_created=True):
        if model._meta.app_label in ("tenants", "provisioning") and not model._meta.proxy:
            found[model._meta.label] = list(model._base_manager.order_by("pk").values())
    return found


def fill(models: Any) -> None:
    """People in all roles, apps and releases in their states, one of them live, and all that belongs to them."""
    rows = {model._meta.model_name: model._base_manager for model in models.get_models()}
    people = {
        name: rows["user"].create(
            username=name,
            email=f"{name}@example.test",
            password=make_password(PASSWORD),
            is_reviewer=name == "rita",
            is_operator=name == "otto",
            is_superuser=name == "root",
        )
        for name in PEOPLE
    }
    for name, user in people.items():
        token = {"name": "laptop", "token_sha256": token_sha256(text_of(name))}
        rows["apitoken"].create(user=user, expires_at=timezone.now() + timedelta(days=30), **token)
    acme, other = (rows["organization"].create(name=slug.title(), slug=slug) for slug in ("acme", "other"))
    for name, role in ROLES.items():
        rows["membership"].create(organization=acme, user=people[name], role=role)
        _grant(rows, people[name], acme, role)
    rows["membership"].create(organization=other, user=people["sid"], role="owner")
    _grant(rows, people["sid"], other, "owner")
    host = rows["host"].create(
        name="local", docker_url="unix:///x", releases_home="/x", port_first=20000, port_last=20999
    )
    for number, state in enumerate(STATES, start=1_000_001):
        app = _app(rows, acme, people["mark"], number, state)
        rows["auditevent"].create(action="app.requested", message=f"app{number} § 🚢", organization=acme, app=app)
        if state == "active":
            _deploy(rows, app, host, people)
        if state == "provisioning":
            operation = rows["operation"].create(kind="provision_app", app=app, state="running", fence=1)
            rows["step"].create(operation=operation, position=0, name="ensure_group", state="succeeded", attempts=1)
    rows["auditevent"].create(action="user.created", message="otto", actor=people["root"], data={"roles": ["operator"]})
    rows["idempotencykey"].create(user=people["mark"], key="k", path="/api/v1/apps/", request_sha256="0" * 64)


def text_of(name: str) -> str:
    """The token that somebody got from the first release."""
    return f"berth_{name}-has-had-it-for-long"


def _grant(rows: Any, user: Any, organization: Any, role: str) -> None:
    of_organizations, _ = rows["contenttype"].get_or_create(app_label="tenants", model="organization")
    for codename in GRANTED[role]:
        permission, _ = rows["permission"].get_or_create(
            content_type=of_organizations, codename=codename, defaults={"name": codename}
        )
        rows["userobjectpermission"].create(
            user_id=user.pk, permission=permission, content_type=of_organizations, object_pk=str(organization.pk)
        )


def _app(rows: Any, organization: Any, creator: Any, number: int, state: str) -> Any:
    values = {"name": state, "slug": f"plugin-{state}", "stack": "php", "state": state}
    app = rows["pluginapp"].create(organization=organization, number=number, created_by=creator, **values)
    for index, (name, infix) in enumerate((("production", ""), ("test", ".test"))):
        environment = rows["environment"].create(app=app, name=name)
        hostname = f"app{number}{infix}.{settings.APPS_DOMAIN}"
        rows["subdomain"].create(environment=environment, hostname=hostname)
        rows["subnetlease"].create(index=(number % 1000) * 2 + index, environment=environment)
    rows["uidlease"].create(uid=number, app=app)
    rows["repository"].create(app=app, code_path=f"org-acme/app{number}", webhook_token="s3cret")
    return app


def _deploy(rows: Any, app: Any, host: Any, people: Any) -> None:
    production, test = rows["environment"].filter(app=app).order_by("pk")
    secret = {"name": "KEY", "value": "s3cret", "updated_by": people["mark"]}
    rows["configvariable"].create(environment=production, **secret)
    states = [(production, "superseded"), (production, "live"), (production, "awaiting_review"), (test, "live")]
    for number, (environment, state) in enumerate(states, start=1):
        release = rows["release"].create(
            app=app,
            environment=environment,
            number=number,
            requested_ref="main",
            state=state,
            commit_sha=COMMIT,
            digest=DIGEST,
            configuration={"memory_mib": 256},
            variables='{"KEY": "s3cret"}',
            commit_author_emails=["dora@example.test"],
            submitted_by=people["dora"],
            went_live_at=timezone.now(),
        )
        release.variable_editors.add(people["mark"].pk)
        if state == "live":
            environment.current_release = release
            environment.save()
            rows["review"].create(release=release, reviewer=people["rita"], decision="approve", digest=DIGEST)
            _serve(rows, release, host, 20_000 + number)


def _serve(rows: Any, release: Any, host: Any, port: int) -> None:
    place = {"app": release.app, "environment": release.environment, "release": release}
    deployment = rows["operation"].create(kind="deploy_release", state="succeeded", **place)
    lease = rows["portlease"].create(host=host, port=port, use=str(port), leased_at=timezone.now())
    what = {"environment": release.environment, "release": release, "role": "live", "state": "serving", "port": port}
    counted = {"restarts": 3, "last_restart_at": timezone.now()}
    rows["workload"].create(deployment=deployment, host=host, port_lease=lease, **what, **counted)

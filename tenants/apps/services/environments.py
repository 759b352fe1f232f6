"""An environment's settings and variables. They take effect with the next release."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from tenants import access, validators
from tenants.apps.choices import AppState
from tenants.apps.models.environment import ConfigVariable, Environment
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import InvalidInput, InvalidTransition
from tenants.organizations.choices import QuotaName
from tenants.organizations.selectors import claimed_mib
from tenants.organizations.services.quotas import quota_claim
from tenants.people.models.user import User
from tenants.people.services.memberships import lock
from tenants.releases.models.authorship import VariableEdit


@unit_of_work
def environment_update(*, environment: Environment, actor: User, **changes: Any) -> Environment:
    """Changes `memory_mib`, `cpu_millis`, `pids`, `disk_mib` and `health_check_path`, all or nothing.

    Raises `InvalidInput` naming each refused field with its range, `QuotaExceeded` for more memory than all
    environments of the organization together may claim.
    """
    lock(environment.app.organization)
    with access.changing(actor, "environment.change", environment):
        validators.together(*(_check_of(name, value) for name, value in changes.items()))
        _lock(environment)
        environment.refresh_from_db()
        changed = {name: value for name, value in changes.items() if getattr(environment, name) != value}
        before = {name: getattr(environment, name) for name in changed}
        if changed.get("memory_mib", 0) > environment.memory_mib:
            _claim_memory(environment, changed["memory_mib"])
        if changed:
            Environment.objects.filter(pk=environment.pk).update(**changed)
            environment.refresh_from_db()
    if changed:
        named = ", ".join(f"{name} = {value}" for name, value in sorted(changed.items()))
        message = f"changed for the next release: {named}"
        _record(environment, "environment.changed", message, actor, before=before, after=changed)
    return environment


@unit_of_work
def environment_fallback_set(*, environment: Environment, fallback: str, actor: User) -> Environment:
    """What shall answer while the live containers do not: `none`, `standby` or `host`. It begins with the next release.

    `host` gives up the container, which is why developers can't choose it. What `host` has put on the host goes away
    at once when another is chosen. The same choice again leaves no trace. Raises `InvalidInput`.
    """
    with access.changing(actor, "environment.set_fallback", environment):
        validators.fallback(fallback)
        _lock(environment)
        environment.refresh_from_db()
        before = environment.fallback
        Environment.objects.filter(pk=environment.pk).exclude(fallback=fallback).update(fallback=fallback)
        environment.refresh_from_db()
    if fallback != before:
        message = f"fallback for the next release: {fallback} instead of {before}"
        _record(
            environment, "environment.fallback_set", message, actor,
            before={"fallback": before}, after={"fallback": fallback},
        )  # fmt: skip
    return environment


def _claim_memory(environment: Environment, memory_mib: int) -> None:
    # A release that is live, or may come to be, can claim more than the settings do: only what goes beyond is growth.
    organization = environment.app.organization
    before, after = (
        claimed_mib([organization.pk], instead=instead)[organization.pk]
        for instead in ({}, {environment.pk: memory_mib})
    )
    quota_claim(organization, QuotaName.MEMORY_MIB, more=after - before)


def _check_of(name: str, value: Any) -> Any:
    if name == "health_check_path":
        return lambda: validators.health_check_path(value)
    if name in validators.LIMITS:
        return lambda: validators.limit(name, value)
    return lambda: _refuse(name)


def _refuse(name: str) -> None:
    raise InvalidInput.field(name, "can't be changed")


@unit_of_work
def variable_set(*, environment: Environment, name: str, value: str, is_secret: bool, actor: User) -> ConfigVariable:
    """Sets one variable. Its value goes into no event, message or error. Raises `InvalidInput`, `QuotaExceeded`."""
    lock(environment.app.organization)
    access.require(actor, "environment.change", environment)
    validators.together(lambda: validators.variable_name(name), lambda: validators.variable_value(value))
    _lock(environment)
    others = environment.variables.exclude(name=name)
    validators.variables_size({row.name: row.value for row in others} | {name: value})
    before = environment.variables.filter(name=name).values("name", "is_secret").first()
    if before is None:
        quota_claim(environment.app.organization, QuotaName.VARIABLES)
    variable, _ = ConfigVariable.objects.update_or_create(
        environment=environment,
        name=name,
        defaults={"value": value, "is_secret": is_secret, "updated_by": actor},
    )
    VariableEdit.objects.create(environment=environment, name=name, user=actor, made_at=timezone.now())
    done = "changed" if before else "set"
    message = f"variable {name} {done} for the next release"
    after = {"name": name, "is_secret": is_secret}
    _record(environment, f"variable.{done}", message, actor, before=before, after=after)
    return variable


@unit_of_work
def variable_remove(*, environment: Environment, name: str, actor: User) -> bool:
    """Removes one variable; false, and nothing recorded, if there is none of this name."""
    access.require(actor, "environment.change", environment)
    _lock(environment)
    variables = ConfigVariable.objects.filter(environment=environment, name=name)
    before = variables.values("name", "is_secret").first()
    if before is None:
        return False
    variables.delete()
    VariableEdit.objects.create(environment=environment, name=name, user=actor, made_at=timezone.now())
    _record(environment, "variable.removed", f"variable {name} removed for the next release", actor, before=before)
    return True


def _lock(environment: Environment) -> None:
    # One writer at a time per app: the size of all variables together is checked against what is really there.
    app = PluginApp.objects.select_for_update(no_key=True).get(pk=environment.app_id)
    if app.state in (AppState.RETIRING, AppState.RETIRED):
        raise InvalidTransition(f"{app.public_id} is {app.state}: it can't be changed any more")


def _record(
    environment: Environment,
    action: str,
    message: str,
    actor: User,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    audit_record(
        action=action,
        message=message,
        actor=actor,
        app=environment.app,
        environment=environment.name,
        obj=environment,
        before=before,
        after=after,
    )

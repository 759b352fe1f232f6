"""Rows together with everything that their representation needs: a fixed number of queries, however many rows."""

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from tenants.apps.models.environment import Environment
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.models import AuditEvent
from tenants.names.selectors.domains import with_served_hostnames
from tenants.organizations.models.organization import Membership, Organization
from tenants.people.models.credentials import ApiToken
from tenants.people.models.invitation import Invitation
from tenants.people.models.user import User
from tenants.policies.models.grants import PluginAppUserObjectPermission, ReleaseUserObjectPermission
from tenants.releases.models.authorship import ReleaseContributor, ServiceAccountKeeper
from tenants.releases.models.release import Release, Review


def organizations() -> QuerySet[Organization]:
    return Organization.objects.all()


def environments() -> QuerySet[Environment]:
    return Environment.objects.select_related("app__organization", "current_release").prefetch_related(
        "subdomains", "variables"
    )


def apps() -> QuerySet[PluginApp]:
    shown = with_served_hostnames(Environment.objects.select_related("current_release"))
    return PluginApp.objects.select_related("organization", "created_by").prefetch_related(
        Prefetch("environments", queryset=shown)
    )


def releases() -> QuerySet[Release]:
    return Release.objects.select_related("app__organization", "environment", "submitted_by").prefetch_related(
        Prefetch("reviews", queryset=Review.objects.select_related("reviewer")),
        Prefetch("contributors", queryset=ReleaseContributor.objects.select_related("user", "through")),
    )


def timeline() -> QuerySet[AuditEvent]:
    # What a decision looked at is long, and only exported.
    return exported().defer("decision", "release__variables")


def exported() -> QuerySet[AuditEvent]:
    related = ("chain", "actor", "organization", "app", "release")
    return AuditEvent.objects.select_related(*related).defer("release__variables")


def memberships() -> QuerySet[Membership]:
    return Membership.objects.select_related("user", "organization")


def invitations() -> QuerySet[Invitation]:
    return Invitation.objects.select_related("organization", "invitee", "invited_by")


def service_accounts() -> QuerySet[User]:
    accounts = User.objects.filter(service_organization__isnull=False, is_active=True)
    keepers = Prefetch("keepers", queryset=ServiceAccountKeeper.objects.select_related("person"))
    return accounts.select_related("service_organization").prefetch_related("memberships", keepers)


def tokens_in_force() -> QuerySet[ApiToken]:
    tokens = ApiToken.objects.filter(revoked_at=None, expires_at__gt=timezone.now())
    return tokens.select_related("user__service_organization", "organization", "app", "created_by", "keeper")


def users() -> QuerySet[User]:
    return User.objects.select_related("service_organization").prefetch_related("groups")


def app_grants() -> QuerySet[PluginAppUserObjectPermission]:
    return PluginAppUserObjectPermission.objects.select_related(
        "user", "permission", "granted_by", "content_object__organization"
    )


def release_grants() -> QuerySet[ReleaseUserObjectPermission]:
    return ReleaseUserObjectPermission.objects.select_related(
        "user", "permission", "granted_by", "content_object__app__organization", "content_object__environment"
    )

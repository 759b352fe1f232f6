"""Organizations. Who belongs to them: `services.memberships` and `services.invitations`."""

from django.db import IntegrityError, transaction

from tenants import access, validators
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import AlreadyExists
from tenants.organizations.choices import QuotaName
from tenants.organizations.models.organization import Organization
from tenants.organizations.services.quotas import quota_claim
from tenants.people.choices import MemberRole
from tenants.people.models.user import User
from tenants.people.services.memberships import membership_make


@unit_of_work
def organization_create(*, name: str, slug: str, actor: User) -> Organization:
    """A new organization with `actor` as its owner.

    Raises `InvalidInput`, `AlreadyExists` for a slug in use, `QuotaExceeded` for one more than a person may found.
    """
    # Several at once take turns, so that each counts those before it.
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    access.require(actor, "organization.create", Organization(name=name, slug=slug))
    validators.together(lambda: validators.display_name(name), lambda: validators.slug(slug))
    quota_claim(actor, QuotaName.ORGANIZATIONS)
    try:
        with transaction.atomic():
            organization = Organization.objects.create(name=name, slug=slug, founded_by=actor)
    except IntegrityError:
        raise AlreadyExists(
            f"slug: an organization {slug} exists: choose another", errors={"slug": ["is in use: choose another"]}
        ) from None
    membership_make(organization=organization, user=actor, role=MemberRole.OWNER)
    audit_record(
        action="organization.created",
        message=f"organization {slug} created",
        actor=actor,
        organization=organization,
        obj=organization,
        before={},
        after={"name": name, "slug": slug, "owner": actor.username},
    )
    return organization

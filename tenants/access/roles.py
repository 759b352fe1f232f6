"""What each role in an organization holds, as django-guardian object permissions on the organization."""

from guardian.models import UserObjectPermission
from guardian.shortcuts import assign_perm

from tenants.choices import MemberRole
from tenants.models import Membership, Organization, User

_EVERYONE = frozenset({"view_organization", "submit_release", "read_logs"})
_KEEPERS = _EVERYONE | {"create_app", "change_app", "retire_app"}
ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    MemberRole.DEVELOPER: _EVERYONE,
    MemberRole.MAINTAINER: _KEEPERS,
    MemberRole.OWNER: _KEEPERS | {"manage_members"},
}


def grant(membership: Membership) -> None:
    """Gives the member exactly what the role holds, and takes away what another role held before."""
    revoke(organization=membership.organization, user=membership.user)
    for codename in sorted(ROLE_PERMISSIONS[membership.role]):
        assign_perm(codename, membership.user, membership.organization)


def revoke(*, organization: Organization, user: User) -> None:
    UserObjectPermission.objects.filter(
        user=user,
        object_pk=str(organization.pk),
        content_type__app_label="tenants",
        content_type__model="organization",
    ).delete()

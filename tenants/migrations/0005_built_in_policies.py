"""The policies that make the default system work: docs/reference/policies.md, held equal by a test."""

import uuid

from django.db import migrations

ALL = {"match_all": True}
MEMBER = {"role__in": ["owner", "maintainer", "developer"]}
KEEPER = {"role__in": ["owner", "maintainer"]}
OWNER = {"role": "owner"}
STAFF = {"platform_roles__overlaps": ["reviewer", "operator", "auditor"]}
OVERSEER = {"platform_roles__overlaps": ["operator", "auditor"]}
OPERATOR = {"platform_roles__contains": "operator"}
PERSON = {"is_service_account": False}
OWN_RELEASE = "own_release"
DECIDE = ["release.approve", "release.reject"]

# name, effect, resource type, actions, subject, resource, context, description[, code]
POLICIES = [
    ("organization-members-view", "allow", "organization", ["organization.view"], MEMBER, ALL, ALL,
     "Members see their organization."),
    ("organization-staff-view", "allow", "organization", ["organization.view"], STAFF, ALL, ALL,
     "Reviewers, operators and auditors see every organization."),
    ("organization-people-create", "allow", "organization", ["organization.create"], PERSON, ALL, ALL,
     "Every person may found an organization; a service account may not."),
    ("organization-owners-manage", "allow", "organization", ["organization.manage_members", "organization.who_can"],
     OWNER, ALL, ALL, "Owners decide who belongs to their organization, and see who may do what in it."),
    ("organization-overseers-who-can", "allow", "organization", ["organization.who_can"], OVERSEER, ALL, ALL,
     "Operators and auditors see who may do what in every organization."),
    ("membership-members-view", "allow", "membership", ["membership.view"], MEMBER, ALL, ALL,
     "Members see each other."),
    ("membership-staff-view", "allow", "membership", ["membership.view"], STAFF, ALL, ALL,
     "Reviewers, operators and auditors see who belongs to an organization."),
    ("membership-owners-change", "allow", "membership", ["membership.change", "membership.remove"], OWNER, ALL, ALL,
     "Owners change roles in their organization and remove members."),
    ("membership-own-leave", "allow", "membership", ["membership.remove"], ALL, {"user": "$subject.id"}, ALL,
     "Everybody may leave an organization."),
    ("invitation-members-view", "allow", "invitation", ["invitation.view"], MEMBER, ALL, ALL,
     "Members see who is invited."),
    ("invitation-overseers-view", "allow", "invitation", ["invitation.view"], OVERSEER, ALL, ALL,
     "Operators and auditors see all invitations."),
    ("invitation-owners-invite", "allow", "invitation", ["invitation.create", "invitation.revoke"], OWNER, ALL, ALL,
     "Owners invite people, and take invitations back."),
    ("invitation-invitee-answers", "allow", "invitation", ["invitation.view", "invitation.answer"], ALL,
     {"invitee": "$subject.id"}, ALL, "Who is invited sees the invitation, and alone accepts or declines it."),
    ("service-account-members-view", "allow", "service_account", ["service_account.view"], MEMBER, ALL, ALL,
     "Members see their organization's service accounts."),
    ("service-account-overseers-view", "allow", "service_account", ["service_account.view"], OVERSEER, ALL, ALL,
     "Operators and auditors see all service accounts."),
    ("service-account-owners-manage", "allow", "service_account", ["service_account.create", "service_account.remove"],
     OWNER, ALL, ALL, "Owners make and remove their organization's service accounts."),
    ("token-own", "allow", "token", ["token.view", "token.create", "token.revoke"], ALL, {"user": "$subject.id"}, ALL,
     "Everybody keeps their own tokens."),
    ("token-owners-service-accounts", "allow", "token", ["token.view", "token.create", "token.revoke"], OWNER,
     {"is_for_service_account": True}, ALL, "Owners keep the tokens of their organization's service accounts."),
    ("token-overseers-view", "allow", "token", ["token.view"], OVERSEER, ALL, ALL,
     "Operators and auditors see which tokens there are; nobody sees a token itself again."),
    ("token-operators-revoke", "allow", "token", ["token.revoke"], OPERATOR, ALL, ALL,
     "Operators may revoke any token."),
    ("user-own-view", "allow", "user", ["user.view", "user.explain"], ALL, {"id": "$subject.id"}, ALL,
     "Everybody sees their own account, and why they may or may not do something."),
    ("user-overseers-view", "allow", "user", ["user.view", "user.explain"], OVERSEER, ALL, ALL,
     "Operators and auditors see every account, and why somebody may or may not do something."),
    ("user-operators-manage", "allow", "user", ["user.create", "user.change"], OPERATOR, ALL, ALL,
     "Operators create accounts, give platform roles and groups, and deactivate accounts."),
    ("app-members-view", "allow", "app", ["app.view"], MEMBER, ALL, ALL, "Members see their organization's apps."),
    ("app-staff-view", "allow", "app", ["app.view"], STAFF, ALL, ALL,
     "Reviewers, operators and auditors see every app."),
    ("app-keepers-manage", "allow", "app", ["app.create", "app.change", "app.retire"], KEEPER, ALL, ALL,
     "Owners and maintainers create, change and retire their organization's apps."),
    ("app-grant-keepers-manage", "allow", "app_grant", ["app_grant.view", "app_grant.create", "app_grant.revoke"],
     KEEPER, ALL, ALL, "Owners and maintainers share one app with somebody outside, and take it back."),
    ("app-grant-overseers-view", "allow", "app_grant", ["app_grant.view"], OVERSEER, ALL, ALL,
     "Operators and auditors see with whom apps are shared."),
    ("release-grant-operators-manage", "allow", "release_grant",
     ["release_grant.view", "release_grant.create", "release_grant.revoke"], OPERATOR, ALL, ALL,
     "Operators let somebody from outside see one release."),
    ("release-grant-auditors-view", "allow", "release_grant", ["release_grant.view"],
     {"platform_roles__contains": "auditor"}, ALL, ALL, "Auditors see who was let to see one release."),
    ("environment-members-view", "allow", "environment", ["environment.view"], MEMBER, ALL, ALL,
     "Members see the environments of their organization's apps."),
    ("environment-staff-view", "allow", "environment", ["environment.view"], STAFF, ALL, ALL,
     "Reviewers, operators and auditors see every environment; never a variable's value."),
    ("environment-keepers-change", "allow", "environment", ["environment.change"], KEEPER, ALL, ALL,
     "Owners and maintainers change limits, health checks and variables."),
    ("logs-members-read", "allow", "environment", ["logs.read"], MEMBER, ALL, ALL,
     "Members read the logs of their organization's apps."),
    ("logs-operators-read", "allow", "environment", ["logs.read"], OPERATOR, ALL, ALL,
     "Operators read all logs; reviewers do not."),
    ("release-members-view", "allow", "release", ["release.view"], MEMBER, ALL, ALL,
     "Members see their organization's releases."),
    ("release-staff-view", "allow", "release", ["release.view"], STAFF, ALL, ALL,
     "Reviewers, operators and auditors see every release."),
    ("release-members-submit", "allow", "release", ["release.submit", "release.cancel", "release.rollback"], MEMBER,
     ALL, ALL, "Members ask for releases, take them back, and put earlier ones back."),
    ("release-reviewers-decide", "allow", "release", DECIDE,
     {"platform_roles__contains": "reviewer", "is_service_account": False}, ALL, ALL,
     "Reviewers approve and reject releases."),
    ("release-not-own-submission", "deny", "release", DECIDE, ALL, {"submitted_by": "$subject.id"}, ALL,
     "you submitted this release: somebody else must decide on it", OWN_RELEASE),
    ("release-not-own-commit", "deny", "release", DECIDE, ALL, {"commit_author_emails__contains": "$subject.email"},
     ALL, "the commit's author or committer has your e-mail address: somebody else must decide on it", OWN_RELEASE),
    ("release-not-own-variables", "deny", "release", DECIDE, ALL, {"variable_editors__contains": "$subject.id"}, ALL,
     "you were the last to change one of the release's variables: somebody else must decide on it", OWN_RELEASE),
    ("release-not-own-organization", "deny", "release", DECIDE, MEMBER, ALL, ALL,
     "you belong to the organization of this release: a reviewer from outside must decide on it", OWN_RELEASE),
    ("release-freeze", "deny", "release", ["release.approve", "release.rollback"], {"groups__excludes": "on-call"},
     {"environment": "production"}, {"freeze": True},
     "a freeze is in force: only who is on call for the incident may change what is live; wait until it ends",
     "freeze_in_force"),
    ("deployment-members-view", "allow", "deployment", ["deployment.view"], MEMBER, ALL, ALL,
     "Members see their organization's deployments."),
    ("deployment-staff-view", "allow", "deployment", ["deployment.view"], STAFF, ALL, ALL,
     "Reviewers, operators and auditors see every deployment."),
    ("audit-members-view", "allow", "audit_event", ["audit.view", "audit.export"], MEMBER, ALL, ALL,
     "Members read and export their organization's part of the audit trail."),
    ("audit-reviewers-view", "allow", "audit_event", ["audit.view"], {"platform_roles__contains": "reviewer"},
     {"app__isnull": False}, ALL, "Reviewers read the timelines of apps."),
    ("audit-overseers-view", "allow", "audit_event", ["audit.view", "audit.export"], OVERSEER, ALL, ALL,
     "Operators and auditors read and export the whole audit trail."),
    ("host-overseers-view", "allow", "host", ["host.view"], OVERSEER, ALL, ALL,
     "Operators and auditors see the inventory of machines."),
    ("policy-overseers-view", "allow", "policy", ["policy.view", "policy.simulate"], OVERSEER, ALL, ALL,
     "Operators and auditors read policies, and try drafts on past decisions."),
    ("policy-operators-manage", "allow", "policy", ["policy.create", "policy.change"], OPERATOR, ALL, ALL,
     "Operators add, change, enable and disable policies."),
    ("freeze-everyone-view", "allow", "freeze", ["freeze.view"], ALL, ALL, ALL,
     "Everybody sees when nothing may go live."),
    ("freeze-operators-manage", "allow", "freeze", ["freeze.create", "freeze.end"], OPERATOR, ALL, ALL,
     "Operators declare and end freezes."),
]


def load(apps, schema_editor):
    policies = apps.get_model("tenants", "AccessPolicy")
    versions = apps.get_model("tenants", "AccessPolicyVersion")
    for name, effect, resource_type, actions, subject, resource, context, description, *code in POLICIES:
        content = {
            "description": description,
            "effect": effect,
            "actions": actions,
            "resource_type": resource_type,
            "subject": subject,
            "resource": resource,
            "context": context,
            "code": code[0] if code else "",
            "is_enabled": True,
        }
        row = policies.objects.create(name=name, is_built_in=True, **content)
        versions.objects.create(policy=row, version=1, content={"name": name, **content})
    for name in ("policies", "people"):
        apps.get_model("tenants", "AccessStamp").objects.update_or_create(name=name, defaults={"stamp": uuid.uuid4()})


def unload(apps, schema_editor):
    built_in = apps.get_model("tenants", "AccessPolicy").objects.filter(is_built_in=True)
    apps.get_model("tenants", "AccessPolicyVersion").objects.filter(policy__in=built_in).delete()
    built_in.delete()
    apps.get_model("tenants", "AccessStamp").objects.all().delete()


ROLE_PERMISSIONS = {
    "developer": {"view_organization", "submit_release", "read_logs"},
    "maintainer": {"view_organization", "submit_release", "read_logs", "create_app", "change_app", "retire_app"},
}
ROLE_PERMISSIONS["owner"] = ROLE_PERMISSIONS["maintainer"] | {"manage_members"}
_OF_ROLES = {"create_app", "change_app", "retire_app", "submit_release", "read_logs", "manage_members"}


def drop_role_grants(apps, schema_editor):
    # What a role allows is the policies' to say; before, it was granted on the organization, permission by permission.
    of_organizations = {"content_type__app_label": "tenants", "content_type__model": "organization"}
    apps.get_model("guardian", "UserObjectPermission").objects.filter(**of_organizations).delete()
    apps.get_model("auth", "Permission").objects.filter(codename__in=_OF_ROLES, **of_organizations).delete()


def restore_role_grants(apps, schema_editor):
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="tenants", model="organization"
    )
    permissions = apps.get_model("auth", "Permission").objects
    grants = apps.get_model("guardian", "UserObjectPermission").objects
    for membership in apps.get_model("tenants", "Membership").objects.all():
        for codename in ROLE_PERMISSIONS[membership.role]:
            permission, _ = permissions.get_or_create(
                content_type=content_type, codename=codename, defaults={"name": codename.replace("_", " ")}
            )
            grants.get_or_create(
                user_id=membership.user_id,
                permission=permission,
                content_type=content_type,
                object_pk=str(membership.organization_id),
            )


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0004_second_factor'),
        ('guardian', '0001_initial'),
        ('contenttypes', '0002_remove_content_type_name'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='organization',
            options={'ordering': ['slug']},
        ),
        migrations.RunPython(drop_role_grants, restore_role_grants),
        migrations.RunPython(load, unload),
    ]

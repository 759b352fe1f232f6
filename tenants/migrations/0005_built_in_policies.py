"""Roles are no grants any more: the built-in policies say what a role allows. They are loaded after migrations."""

from django.db import migrations


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
    ]

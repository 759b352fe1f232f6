import uuid

from django.db import migrations

POLICY = {
    "name": "certificate-overseers-view",
    "description": "Operators and auditors see which certificates the edge serves, and what is wrong with others.",
    "effect": "allow",
    "resource_type": "certificate",
    "actions": ["certificate.view"],
    "subject": {"platform_roles__overlaps": ["operator", "auditor"]},
    "resource": {"match_all": True},
    "context": {"match_all": True},
    "code": "",
    "is_enabled": True,
}


def load(apps, schema_editor):
    row = apps.get_model("tenants", "AccessPolicy").objects.create(is_built_in=True, **POLICY)
    apps.get_model("tenants", "AccessPolicyVersion").objects.create(policy=row, version=1, content=POLICY)
    _renew_stamp(apps)


def unload(apps, schema_editor):
    policy = apps.get_model("tenants", "AccessPolicy").objects.filter(name=POLICY["name"], is_built_in=True)
    apps.get_model("tenants", "AccessPolicyVersion").objects.filter(policy__in=policy).delete()
    policy.delete()
    _renew_stamp(apps)


def _renew_stamp(apps):
    apps.get_model("tenants", "AccessStamp").objects.update_or_create(name="policies", defaults={"stamp": uuid.uuid4()})


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0008_custom_domains'),
    ]

    operations = [
        migrations.RunPython(load, unload),
    ]

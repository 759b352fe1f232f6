"""Who sees which names are held for an organization, and who may end a hold before its time."""

import uuid

from django.db import migrations

ALL = {"match_all": True}
OVERSEER = {"platform_roles__overlaps": ["operator", "auditor"]}
OPERATOR = {"platform_roles__contains": "operator"}

# As in 0005.
POLICIES = [
    ("held-name-overseers-view", "allow", "held_name", ["held_name.view"], OVERSEER, ALL, ALL,
     "Operators and auditors see which names are held, until when, why, and for whom."),
    ("held-name-operators-release", "allow", "held_name", ["held_name.release"], OPERATOR, ALL, ALL,
     "Operators end the hold on a name before its time."),
]


def load(apps, schema_editor):
    policies = apps.get_model("tenants", "AccessPolicy")
    versions = apps.get_model("tenants", "AccessPolicyVersion")
    for name, effect, resource_type, actions, subject, resource, context, description in POLICIES:
        content = {
            "description": description,
            "effect": effect,
            "actions": actions,
            "resource_type": resource_type,
            "subject": subject,
            "resource": resource,
            "context": context,
            "code": "",
            "is_enabled": True,
        }
        row = policies.objects.create(name=name, is_built_in=True, **content)
        versions.objects.create(policy=row, version=1, content={"name": name, **content})
    _renew_stamp(apps)


def unload(apps, schema_editor):
    names = [policy[0] for policy in POLICIES]
    built_in = apps.get_model("tenants", "AccessPolicy").objects.filter(name__in=names, is_built_in=True)
    apps.get_model("tenants", "AccessPolicyVersion").objects.filter(policy__in=built_in).delete()
    built_in.delete()
    _renew_stamp(apps)


def _renew_stamp(apps):
    apps.get_model("tenants", "AccessStamp").objects.update_or_create(name="policies", defaults={"stamp": uuid.uuid4()})


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0010_idempotency_row_created'),
    ]

    operations = [
        migrations.RunPython(load, unload),
    ]

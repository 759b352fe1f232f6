"""Who sets what an organization may have; and who founded the organizations of before, as the trail has it."""

import uuid

from django.db import migrations

ALL = {"match_all": True}
OPERATOR = {"platform_roles__contains": "operator"}

# As in 0005.
POLICIES = [
    ("organization-operators-set-quota", "allow", "organization", ["organization.set_quota"], OPERATOR, ALL, ALL,
     "Operators set how much an organization may have."),
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


def name_founders(apps, schema_editor):
    organizations = apps.get_model("tenants", "Organization").objects.filter(founded_by=None)
    events = apps.get_model("tenants", "AuditEvent").objects.filter(action="organization.created").exclude(actor=None)
    founders = dict(events.order_by("-pk").values_list("organization", "actor"))
    for organization in organizations.iterator():
        if organization.pk in founders:
            organizations.filter(pk=organization.pk).update(founded_by=founders[organization.pk])


def _renew_stamp(apps):
    apps.get_model("tenants", "AccessStamp").objects.update_or_create(name="policies", defaults={"stamp": uuid.uuid4()})


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0014_quotas'),
    ]

    operations = [
        migrations.RunPython(load, unload),
        migrations.RunPython(name_founders, migrations.RunPython.noop),
    ]

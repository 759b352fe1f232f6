"""What answers while an environment's live containers do not, and who may choose it."""

import uuid

from django.db import migrations, models

POLICY = {
    "name": "environment-operators-set-fallback",
    "description": "Operators choose what answers while the live containers do not; developers may not.",
    "effect": "allow",
    "resource_type": "environment",
    "actions": ["environment.set_fallback"],
    "subject": {"platform_roles__contains": "operator"},
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


def keep_what_runs(apps, schema_editor):
    # Until now production had a standby, and nothing else had one.
    apps.get_model("tenants", "Environment").objects.exclude(name="production").update(fallback="none")


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0005_built_in_policies'),
    ]

    operations = [
        migrations.AddField(
            model_name='environment',
            name='fallback',
            field=models.CharField(choices=[('none', 'None'), ('standby', 'Standby'), ('host', 'Host')], default='standby', max_length=10),
        ),
        migrations.RunPython(keep_what_runs, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='environment',
            constraint=models.CheckConstraint(condition=models.Q(('fallback__in', ['none', 'standby', 'host'])), name='environment_fallback_known'),
        ),
        migrations.RunPython(load, unload),
    ]

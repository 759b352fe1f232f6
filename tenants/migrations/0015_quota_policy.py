"""Who founded the organizations of before, as the trail has it."""

from django.db import migrations


def name_founders(apps, schema_editor):
    organizations = apps.get_model("tenants", "Organization").objects.filter(founded_by=None)
    events = apps.get_model("tenants", "AuditEvent").objects.filter(action="organization.created").exclude(actor=None)
    founders = dict(events.order_by("-pk").values_list("organization", "actor"))
    for organization in organizations.iterator():
        if organization.pk in founders:
            organizations.filter(pk=organization.pk).update(founded_by=founders[organization.pk])


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0014_quotas'),
    ]

    operations = [
        migrations.RunPython(name_founders, migrations.RunPython.noop),
    ]

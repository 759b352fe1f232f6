"""A second user id for each app: its sidecar's, so that the plugin's own may be kept from the socket between them."""

import django.db.models.deletion
from django.db import migrations, models


def forget_sidecars(apps, schema_editor):
    """The earlier table has room for one user id for each app: the plugin's."""
    apps.get_model("provisioning", "UidLease").objects.filter(use="sidecar").delete()


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0008_repairs_by_cause")]

    operations = [
        migrations.AddField(
            model_name="uidlease",
            name="use",
            field=models.CharField(
                choices=[("plugin", "Plugin"), ("sidecar", "Sidecar")], default="plugin", max_length=10
            ),
        ),
        migrations.AlterField(
            model_name="uidlease",
            name="app",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="uid_leases", to="tenants.pluginapp"
            ),
        ),
        migrations.AddConstraint(
            model_name="uidlease",
            constraint=models.UniqueConstraint(fields=("app", "use"), name="uid_leased_once_per_app_and_use"),
        ),
        migrations.AddConstraint(
            model_name="uidlease",
            constraint=models.CheckConstraint(
                condition=models.Q(("use__in", ["plugin", "sidecar"])), name="uid_lease_use_known"
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_sidecars),
    ]

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

UNFINISHED = Q(state__in=("pending", "running"))


def subject(to: str) -> models.ForeignKey:
    return models.ForeignKey(
        blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="operations", to=to
    )


def once(name: str) -> models.UniqueConstraint:
    return models.UniqueConstraint(
        condition=UNFINISHED, fields=(name, "kind"), name=f"one_unfinished_operation_per_{name}_and_kind"
    )


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0010_rounds_of_workers"), ("tenants", "0021_review_scope")]

    operations = [
        migrations.AddField(model_name="operation", name="domain", field=subject("tenants.customdomain")),
        migrations.AddField(model_name="operation", name="host", field=subject("provisioning.host")),
        migrations.AddField(model_name="operation", name="zone", field=subject("tenants.zone")),
        migrations.AlterField(model_name="operation", name="app", field=subject("tenants.pluginapp")),
        migrations.AddConstraint(model_name="operation", constraint=once("domain")),
        migrations.AddConstraint(model_name="operation", constraint=once("zone")),
        migrations.AddConstraint(model_name="operation", constraint=once("host")),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.CheckConstraint(
                condition=(
                    Q(app__isnull=False, zone=None, host=None)
                    & (Q(domain=None) | Q(environment__isnull=False, release=None))
                )
                | (
                    Q(app=None, environment=None, release=None, domain=None)
                    & (Q(zone__isnull=False, host=None) | Q(zone=None, host__isnull=False))
                ),
                name="operation_has_one_subject",
            ),
        ),
    ]

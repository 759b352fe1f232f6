import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


def subject(model: str) -> models.ForeignKey:
    return models.ForeignKey(
        blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to=f"provisioning.{model}"
    )


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0009_sidecar_uids")]

    operations = [
        migrations.CreateModel(
            name="Round",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lease_owner", models.CharField(blank=True, max_length=100)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("fence", models.PositiveBigIntegerField(default=0)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("reconcile_host", "Reconcile Host"),
                            ("reconcile_edge", "Reconcile Edge"),
                            ("compare_zone", "Compare Zone"),
                            ("renew_certificates", "Renew Certificates"),
                        ],
                        max_length=30,
                    ),
                ),
                ("host", subject("host")),
                ("hosted_zone", subject("hostedzone")),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(host=None, hosted_zone=None), fields=("kind",), name="round_once_without_subject"
                    ),
                    models.UniqueConstraint(fields=("kind", "host"), name="round_once_per_host"),
                    models.UniqueConstraint(fields=("kind", "hosted_zone"), name="round_once_per_hosted_zone"),
                    models.CheckConstraint(
                        condition=Q(kind="reconcile_host", host__isnull=False, hosted_zone=None)
                        | Q(kind="compare_zone", host=None, hosted_zone__isnull=False)
                        | Q(kind__in=["reconcile_edge", "renew_certificates"], host=None, hosted_zone=None),
                        name="round_has_its_subject",
                    ),
                ],
            },
        ),
    ]

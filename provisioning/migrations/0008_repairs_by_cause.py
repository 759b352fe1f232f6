from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Max, Sum

# Nobody wrote down what the repairs of before were for.
BEFORE = "before"


def counts_to_rows(apps: Any, _editor: Any) -> None:
    workload, repair = (apps.get_model("provisioning", name) for name in ("Workload", "WorkloadRepair"))
    rows = workload.objects.exclude(last_restart_at=None).values_list("pk", "restarts", "last_restart_at")
    repair.objects.bulk_create(
        [repair(workload_id=pk, cause=BEFORE, tries=tries, last_try_at=at) for pk, tries, at in rows.iterator()]
    )


def rows_to_counts(apps: Any, _editor: Any) -> None:
    workload, repair = (apps.get_model("provisioning", name) for name in ("Workload", "WorkloadRepair"))
    counts = repair.objects.order_by().values("workload").annotate(tries_of_all=Sum("tries"), at=Max("last_try_at"))
    for count in counts.iterator():
        workload.objects.filter(pk=count["workload"]).update(restarts=count["tries_of_all"], last_restart_at=count["at"])


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0007_pushes")]

    operations = [
        migrations.CreateModel(
            name="WorkloadRepair",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cause", models.CharField(help_text="The part and its condition, as 'app paused'.", max_length=60)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("last_try_at", models.DateTimeField()),
                ("error", models.TextField(blank=True, help_text="Why the last try failed; empty where it did not.")),
                (
                    "workload",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="repairs", to="provisioning.workload"
                    ),
                ),
            ],
            options={"ordering": ["pk"]},
        ),
        migrations.AddConstraint(
            model_name="workloadrepair",
            constraint=models.UniqueConstraint(fields=("workload", "cause"), name="one_count_of_repairs_per_cause"),
        ),
        migrations.RunPython(counts_to_rows, rows_to_counts),
        migrations.RemoveField(model_name="workload", name="restarts"),
        migrations.RemoveField(model_name="workload", name="last_restart_at"),
    ]

"""What answers while an environment's live containers do not."""

from django.db import migrations, models


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
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    """Who must act on a release's error. Of errors from before nobody knows: the field stays empty."""

    dependencies = [("tenants", "0012_release_secret_variables")]
    operations = [
        migrations.AddField(
            model_name="release",
            name="error_actor",
            field=models.CharField(
                blank=True,
                choices=[
                    ("developer", "Developer"),
                    ("reviewer", "Reviewer"),
                    ("operator", "Operator"),
                    ("nobody", "Nobody"),
                ],
                default="",
                help_text="Who must act on the error.",
                max_length=20,
            ),
            preserve_default=False,
        )
    ]

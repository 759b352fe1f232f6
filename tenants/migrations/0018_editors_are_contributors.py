from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0017_authorship_of_before'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='release',
            name='variable_editors',
        ),
    ]

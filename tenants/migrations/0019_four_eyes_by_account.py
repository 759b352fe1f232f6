"""Once changed policies. Built-in policies are loaded after migrations now; the name stays for old installations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0018_editors_are_contributors'),
    ]

    operations = []

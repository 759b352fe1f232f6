"""Once loaded a policy. Built-in policies are loaded after migrations now; the name stays for old installations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0008_custom_domains'),
    ]

    operations = []

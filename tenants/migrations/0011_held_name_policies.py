"""Once loaded policies. Built-in policies are loaded after migrations now; the name stays for old installations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0010_idempotency_row_created'),
    ]

    operations = []

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0013_release_error_actor'),
    ]

    operations = [
        migrations.AddField(
            model_name='organization',
            name='founded_by',
            field=models.ForeignKey(blank=True, help_text='Counts for how many organizations this person may found, also after they have left.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.CreateModel(
            name='Quota',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(choices=[('apps', 'Apps'), ('memory_mib', 'Memory Mib'), ('releases_a_day', 'Releases A Day'), ('domains', 'Domains'), ('variables', 'Variables'), ('members', 'Members'), ('service_accounts', 'Service Accounts'), ('tokens', 'Tokens'), ('organizations', 'Organizations'), ('personal_tokens', 'Personal Tokens')], max_length=30)),
                ('limit', models.PositiveIntegerField()),
                ('organization', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='quotas', to='tenants.organization')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='quotas', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('organization', 'name'), name='quota_once_per_organization'), models.UniqueConstraint(fields=('user', 'name'), name='quota_once_per_person'), models.CheckConstraint(condition=models.Q(models.Q(('organization', None), ('user__isnull', False)), models.Q(('organization__isnull', False), ('user', None)), _connector='OR'), name='quota_of_an_organization_or_a_person'), models.CheckConstraint(condition=models.Q(('name__in', ['apps', 'memory_mib', 'releases_a_day', 'domains', 'variables', 'members', 'service_accounts', 'tokens', 'organizations', 'personal_tokens'])), name='quota_name_known')],
            },
        ),
    ]

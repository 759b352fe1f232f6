"""Chains the audit events, an existing one in the order of the ids. On PostgreSQL a trigger guards them from then on.

How the hashes of existing events are made is frozen here.
"""

import hashlib
import json
from datetime import UTC

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

BATCH = 500
GENESIS = "0" * 64
CHAINED = ["chain", "sequence", "previous_hash", "hash"]

REFUSE = """
CREATE FUNCTION tenants_auditevent_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are append-only: % of event % is refused', lower(TG_OP), OLD.id
        USING ERRCODE = 'restrict_violation', HINT = 'record what happened as another event';
END
$$;
CREATE TRIGGER tenants_auditevent_append_only BEFORE UPDATE OR DELETE ON tenants_auditevent
    FOR EACH ROW EXECUTE FUNCTION tenants_auditevent_refuse();
"""
ALLOW = """
DROP TRIGGER tenants_auditevent_append_only ON tenants_auditevent;
DROP FUNCTION tenants_auditevent_refuse();
"""


def chain_events(apps, schema_editor):
    AuditChain, AuditEvent = apps.get_model("tenants", "AuditChain"), apps.get_model("tenants", "AuditEvent")
    Organization = apps.get_model("tenants", "Organization")
    chains = {None: AuditChain.objects.create(name="platform")}
    for pk in Organization.objects.order_by("pk").values_list("pk", flat=True):
        chains[pk] = AuditChain.objects.create(name=f"organization-{pk}", organization_id=pk)
    batch = []
    for event in AuditEvent.objects.order_by("pk").iterator(chunk_size=BATCH):
        chain = chains[event.organization_id]
        event.chain, event.sequence, event.previous_hash = chain, chain.sequence + 1, chain.hash
        event.hash = hash_of(event, chain.name)
        chain.sequence, chain.hash = event.sequence, event.hash
        batch.append(event)
        if len(batch) == BATCH:
            AuditEvent.objects.bulk_update(batch, CHAINED)
            batch = []
    AuditEvent.objects.bulk_update(batch, CHAINED)
    AuditChain.objects.bulk_update(chains.values(), ["sequence", "hash"])
    if schema_editor.connection.vendor == "postgresql":
        # The table can't be altered while foreign keys of the rows just written are still to be checked.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def hash_of(event, chain):
    content = {
        "chain": chain,
        "sequence": event.sequence,
        "previous_hash": event.previous_hash,
        "time": event.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor": event.actor_id,
        "authentication_method": "",
        "source_address": "",
        "token": None,
        "action": event.action,
        "object_type": "",
        "object_id": "",
        "message": event.message,
        "before": {},
        "after": {},
        "data": event.data,
        "policy": "",
        "decision": {},
        "organization": event.organization_id,
        "app": event.app_id,
        "environment": event.environment,
        "release": event.release_id,
        "request_id": event.request_id,
    }
    spelled = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(spelled.encode()).hexdigest()


def guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(REFUSE, params=None)


def unguard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(ALLOW, params=None)


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0002_policies_and_people'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditChain',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, unique=True)),
                ('sequence', models.PositiveBigIntegerField(default=0)),
                ('hash', models.CharField(default=GENESIS, max_length=64)),
                ('organization', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='audit_chain', to='tenants.organization')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.AddField(
            model_name='auditevent',
            name='chain',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='tenants.auditchain'),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='sequence',
            field=models.PositiveBigIntegerField(help_text='The place in the chain, from 1 and without a gap.', null=True),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='previous_hash',
            field=models.CharField(default='', max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditevent',
            name='hash',
            field=models.CharField(default='', max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditevent',
            name='authentication_method',
            field=models.CharField(blank=True, default='', max_length=20),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditevent',
            name='source_address',
            field=models.CharField(blank=True, default='', max_length=45),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditevent',
            name='token_id',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='object_type',
            field=models.CharField(blank=True, default='', max_length=40),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditevent',
            name='object_id',
            field=models.CharField(blank=True, default='', help_text='As people name it: app1000001, a slug, a name.', max_length=200),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditevent',
            name='before',
            field=models.JSONField(blank=True, default=dict, help_text='Never a secret.'),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='after',
            field=models.JSONField(blank=True, default=dict, help_text='Never a secret.'),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='policy',
            field=models.CharField(blank=True, default='', help_text='The policy or grant that allowed it.', max_length=120),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditevent',
            name='decision',
            field=models.JSONField(blank=True, default=dict, help_text='All that the decision rested on. Never a secret.'),
        ),
        migrations.AlterField(
            model_name='auditevent',
            name='created_at',
            field=models.DateTimeField(help_text='When it happened: events are written when their transaction ends.'),
        ),
        migrations.AlterField(
            model_name='auditevent',
            name='data',
            field=models.JSONField(blank=True, default=dict, help_text='Never a secret.'),
        ),
        migrations.AlterField(
            model_name='auditevent',
            name='actor',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.RunPython(chain_events, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='auditevent',
            name='chain',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='tenants.auditchain'),
        ),
        migrations.AlterField(
            model_name='auditevent',
            name='sequence',
            field=models.PositiveBigIntegerField(help_text='The place in the chain, from 1 and without a gap.'),
        ),
        migrations.AddConstraint(
            model_name='auditevent',
            constraint=models.UniqueConstraint(fields=('chain', 'sequence'), name='audit_event_once_per_place_in_chain'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['actor', '-id'], name='event_by_actor'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['action', '-id'], name='event_by_action'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['object_type', 'object_id', '-id'], name='event_by_object'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['created_at'], name='event_by_time'),
        ),
        migrations.RunPython(guard, unguard),
    ]

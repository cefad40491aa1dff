"""What operating the service keeps, and what lets a delivery cost no more than what it brings."""

import server_stub.models.fields
from django.db import migrations, models
from django.db.models import Count, Sum

_STALE = (
    ("clafoutis_card", "card", ("INSERT", "UPDATE OF status, proven_tmc, proven_tmv, proven_spent_cents"), "uid"),
    ("clafoutis_allowanceissued", "allowance", ("INSERT",), "card_id"),
    ("clafoutis_finding", "finding", ("INSERT", "UPDATE OF closed_at"), "card_id"),
)
"""Tables that a card's row in the directory tells of: (table, short name, events, column)."""


def fill(apps, editor):
    """Compute what from now on is kept."""
    using = editor.connection.alias
    entries = apps.get_model("clafoutis", "StoredEntry").objects.using(using)
    twice = entries.values("terminal_id", "seq").annotate(count=Count("id")).filter(count__gt=1).order_by()
    forked = {row["terminal_id"] for row in twice}
    apps.get_model("clafoutis", "Terminal").objects.using(using).filter(id__in=forked).update(forked=True)
    lines = apps.get_model("clafoutis", "PostingLine").objects.using(using)
    balance = apps.get_model("clafoutis", "Balance")
    sums = lines.values_list("account", "merchant").annotate(Sum("amount_cents")).order_by()
    balance.objects.using(using).bulk_create(
        balance(account=account, merchant=merchant, amount_cents=cents) for account, merchant, cents in sums
    )
    cards = apps.get_model("clafoutis", "Card").objects.using(using)
    stale = apps.get_model("clafoutis", "StaleCard")
    uids = set(cards.values_list("uid", flat=True))
    stale.objects.using(using).bulk_create(stale(uid=uid) for uid in sorted(uids))


def watch(apps, editor):
    """Let the database note of which cards something changed, whoever changed it."""
    for table, name, events, column in _STALE:
        for number, event in enumerate(events):
            trigger = f"clafoutis_stale_{name}_{number}"
            if editor.connection.vendor == "postgresql":
                editor.execute(
                    f"CREATE OR REPLACE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                    f"{_note(column)} RETURN NULL; END $$"
                )
                editor.execute(
                    f"CREATE TRIGGER {trigger} AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {trigger}()"
                )
            else:
                editor.execute(f"CREATE TRIGGER {trigger} AFTER {event} ON {table} BEGIN {_note(column)} END")


def unwatch(apps, editor):
    """Take the triggers away."""
    for table, name, events, _column in _STALE:
        for number in range(len(events)):
            trigger = f"clafoutis_stale_{name}_{number}"
            if editor.connection.vendor == "postgresql":
                editor.execute(f"DROP TRIGGER {trigger} ON {table}")
                editor.execute(f"DROP FUNCTION {trigger}()")
            else:
                editor.execute(f"DROP TRIGGER {trigger}")


def _note(column):
    """Insert the card's UID once; `WHERE true` keeps SQLite from reading ON as a join's."""
    uid = "SELECT NEW.uid WHERE true"
    if column == "card_id":
        uid = "SELECT uid FROM clafoutis_card WHERE id = NEW.card_id"
    return f"INSERT INTO clafoutis_stalecard (uid) {uid} ON CONFLICT DO NOTHING;"


class Migration(migrations.Migration):
    dependencies = [("clafoutis", "0014_payouts")]
    operations = [
        migrations.CreateModel(
            name="Balance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account", models.CharField(max_length=16)),
                ("merchant", models.PositiveBigIntegerField(default=0)),
                ("amount_cents", models.BigIntegerField()),
            ],
            options={"ordering": ["account", "merchant"]},
        ),
        migrations.AddConstraint(
            model_name="balance",
            constraint=models.UniqueConstraint(fields=("account", "merchant"), name="balance_once"),
        ),
        migrations.CreateModel(
            name="JobRun",
            fields=[
                ("name", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("succeeded_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(blank=True, default="", max_length=8)),
                ("count", models.PositiveBigIntegerField(default=0)),
                ("trouble", models.CharField(blank=True, default="", max_length=64)),
            ],
            options={"ordering": ["name"]},
        ),
        migrations.CreateModel(
            name="LoginFailure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
            ],
            options={"ordering": ["id"]},
        ),
        migrations.AddIndex(
            model_name="loginfailure",
            index=models.Index(fields=["key", "at"], name="login_failure_by_key"),
        ),
        migrations.CreateModel(
            name="StaleCard",
            fields=[
                ("uid", server_stub.models.fields.BytesField(max_length=7, primary_key=True, serialize=False)),
            ],
        ),
        migrations.AddField(model_name="card", name="is_settled", field=models.BooleanField(default=False)),
        migrations.AddField(model_name="terminal", name="forked", field=models.BooleanField(default=False)),
        migrations.AddIndex(
            model_name="actrow", index=models.Index(fields=["kind", "seq"], name="act_by_kind")
        ),
        migrations.AddIndex(
            model_name="claim", index=models.Index(fields=["card", "tmc"], name="claim_by_counter")
        ),
        migrations.AddIndex(
            model_name="claim", index=models.Index(fields=["state", "merchant"], name="claim_by_state")
        ),
        migrations.AddIndex(
            model_name="refundclaim",
            index=models.Index(
                condition=models.Q(("allowance__isnull", True), ("granted", True)),
                fields=["card"],
                name="refund_waits_for_room",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(watch, unwatch),
    ]

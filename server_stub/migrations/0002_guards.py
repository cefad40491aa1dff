"""What the database itself refuses and notes: rows never changed, conventions that overlap, cards to tell of again."""

from __future__ import annotations

from django.db import migrations

from server_stub.append_only import append_only

APPEND_ONLY = (
    "clafoutis_accessevent",
    "clafoutis_accesslink",
    "clafoutis_accesslinkend",
    "clafoutis_actreversal",
    "clafoutis_actrow",
    "clafoutis_admission",
    "clafoutis_bankdetails",
    "clafoutis_bankdetailsconfirmed",
    "clafoutis_bankimport",
    "clafoutis_bankline",
    "clafoutis_banklineoutcome",
    "clafoutis_carnet",
    "clafoutis_cashcount",
    "clafoutis_claimdecision",
    "clafoutis_commitment",
    "clafoutis_commitmentchange",
    "clafoutis_contribution",
    "clafoutis_convention",
    "clafoutis_conventionend",
    "clafoutis_conventionterms",
    "clafoutis_departure",
    "clafoutis_depositedcheque",
    "clafoutis_dispute",
    "clafoutis_disputestep",
    "clafoutis_factorexemption",
    "clafoutis_findinghandling",
    "clafoutis_lettertext",
    "clafoutis_moneydeposit",
    "clafoutis_paperclaim",
    "clafoutis_paymentmeans",
    "clafoutis_payoutevidence",
    "clafoutis_payoutreturn",
    "clafoutis_posting",
    "clafoutis_postingline",
    "clafoutis_quittanceprint",
    "clafoutis_roleend",
    "clafoutis_rolegrant",
    "clafoutis_settlement",
    "clafoutis_settlementfile",
    "clafoutis_settlementline",
    "clafoutis_settlementpaper",
    "clafoutis_settlementstatement",
    "clafoutis_settlementstep",
    "clafoutis_statementprofile",
    "clafoutis_storedentry",
    "clafoutis_wave",
)

APPEND_ONLY_FUNCTION = """
CREATE OR REPLACE FUNCTION clafoutis_append_only() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END
$$ LANGUAGE plpgsql
"""

UNTIL = """COALESCE((SELECT MIN(e.until_day) FROM clafoutis_conventionend e
                     WHERE e.convention_id = c.id), c.until_day)"""
OVERLAP = f"""
    SELECT 1 FROM clafoutis_convention c
    WHERE c.merchant = NEW.merchant AND c.from_day < {UNTIL}
      AND c.from_day < NEW.until_day AND NEW.from_day < {UNTIL}
"""
PROLONGS = """
    SELECT 1 FROM clafoutis_convention c WHERE c.id = NEW.convention_id
      AND (NEW.until_day >= c.until_day OR NEW.until_day < c.from_day)
"""
SQLITE = tuple(
    f"""CREATE TRIGGER {table}_{name} BEFORE INSERT ON {table}
        BEGIN SELECT RAISE(ABORT, '{words}') WHERE EXISTS ({found}); END"""
    for table, name, words, found in (
        ("clafoutis_convention", "overlap", "conventions overlap", OVERLAP),
        ("clafoutis_conventionend", "prolongs", "an end never prolongs", PROLONGS),
    )
)
# The lock on the merchant lets one of two at once see what the other signed.
POSTGRESQL = (
    APPEND_ONLY_FUNCTION,
    f"""CREATE FUNCTION clafoutis_convention_overlap() RETURNS trigger AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(NEW.merchant);
            IF EXISTS ({OVERLAP}) THEN
                RAISE EXCEPTION 'conventions overlap' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$ LANGUAGE plpgsql""",
    """CREATE TRIGGER clafoutis_convention_overlap BEFORE INSERT ON clafoutis_convention
        FOR EACH ROW EXECUTE FUNCTION clafoutis_convention_overlap()""",
    f"""CREATE FUNCTION clafoutis_conventionend_prolongs() RETURNS trigger AS $$
        BEGIN
            IF EXISTS ({PROLONGS}) THEN
                RAISE EXCEPTION 'an end never prolongs' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$ LANGUAGE plpgsql""",
    """CREATE TRIGGER clafoutis_conventionend_prolongs BEFORE INSERT ON clafoutis_conventionend
        FOR EACH ROW EXECUTE FUNCTION clafoutis_conventionend_prolongs()""",
)

STALE = (
    ("clafoutis_card", "card", ("INSERT", "UPDATE OF status, proven_tmc, proven_tmv, proven_spent_cents"), "uid"),
    ("clafoutis_allowanceissued", "allowance", ("INSERT",), "card_id"),
    ("clafoutis_finding", "finding", ("INSERT", "UPDATE OF closed_at"), "card_id"),
)
"""Tables that a card's row in the directory tells of: (table, short name, events, column)."""


def forbid(apps, editor):
    """Let the database refuse what rows alone can't say."""
    for statement in POSTGRESQL if editor.connection.vendor == "postgresql" else SQLITE:
        editor.execute(statement, params=None)


def allow(apps, editor):
    """Take back what `forbid` made."""
    for table, name in (("convention", "overlap"), ("conventionend", "prolongs")):
        trigger = f"clafoutis_{table}_{name}"
        if editor.connection.vendor == "postgresql":
            editor.execute(f"DROP TRIGGER {trigger} ON clafoutis_{table}")
            editor.execute(f"DROP FUNCTION {trigger}()")
        else:
            editor.execute(f"DROP TRIGGER {trigger}")
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP FUNCTION clafoutis_append_only()")


def watch(apps, editor):
    """Let the database note of which cards something changed, whoever changed it."""
    for table, name, events, column in STALE:
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
    for table, name, events, _column in STALE:
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
    dependencies = [("clafoutis", "0001_initial")]
    operations = [
        migrations.RunPython(forbid, allow),
        append_only(*APPEND_ONLY),
        migrations.RunPython(watch, unwatch),
    ]

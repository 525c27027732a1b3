"""What the web pages write: requests for mail, consents, thumbs; when each step last ran; links that can be renewed

Revision: 0005, after 0004
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sqlmodel.sql.sqltypes.UTCDateTime
WORD = sqlmodel.sql.sqltypes.AutoString
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OLD = "status IN ('active', 'paused', 'removed', 'unsubscribed', 'bounced', 'complained')"
NEW = "status IN ('unconfirmed', 'active', 'paused', 'removed', 'unsubscribed', 'bounced', 'complained')"


def upgrade() -> None:
    op.add_column("subscriber", sa.Column("epoch", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("subscriber", sa.Column("chosen", sa.Text(), nullable=False, server_default=""))
    _states(NEW)
    op.create_table(
        "mail_request",
        sa.Column("id", BIG, nullable=False),
        sa.Column("at", MOMENT(), nullable=False),
        sa.Column("subscriber_id", BIG, nullable=False),
        sa.Column("kind", WORD(), nullable=False),
        sa.Column("network", WORD(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("done_at", MOMENT(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_request")),
    )
    op.create_index("ix_mail_request_at", "mail_request", ["at"])
    op.create_index("ix_mail_request_subscriber_id", "mail_request", ["subscriber_id"])
    op.create_table(
        "consent",
        sa.Column("id", BIG, nullable=False),
        sa.Column("subscriber_id", BIG, nullable=False),
        sa.Column("at", MOMENT(), nullable=False),
        sa.Column("act", WORD(), nullable=False),
        sa.Column("wording", WORD(), nullable=False),
        sa.Column("form", WORD(), nullable=False),
        sa.Column("network", WORD(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_subscriber_id", "consent", ["subscriber_id"])
    op.create_table(
        "thumb",
        sa.Column("subscriber_id", BIG, autoincrement=False, nullable=False),
        sa.Column("paper_id", BIG, autoincrement=False, nullable=False),
        sa.Column("kind", WORD(), nullable=False),
        sa.Column("at", MOMENT(), nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", "paper_id", "kind", name=op.f("pk_thumb")),
    )
    op.create_table(
        "tick",
        sa.Column("step", WORD(), nullable=False),
        sa.Column("at", MOMENT(), nullable=False),
        sa.Column("due_by", MOMENT(), nullable=False),
        sa.PrimaryKeyConstraint("step", name=op.f("pk_tick")),
    )


def _states(condition: str) -> None:
    """Which states there are is a check of the table, and SQLite can change one only by copying the table: we tell its
    schema the new text instead, as https://sqlite.org/lang_altertable.html describes, for there may be a million rows."""
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_subscriber_status"), "subscriber", type_="check")
        op.create_check_constraint(op.f("ck_subscriber_status"), "subscriber", condition)
        return
    other = OLD if condition == NEW else NEW
    version = op.get_bind().exec_driver_sql("PRAGMA schema_version").scalar_one()
    op.execute(sa.text("PRAGMA writable_schema = ON"))
    op.get_bind().exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'subscriber'",
        (other, condition),
    )
    op.execute(sa.text(f"PRAGMA schema_version = {int(version) + 1}"))
    op.execute(sa.text("PRAGMA writable_schema = OFF"))


def downgrade() -> None:
    for table in ("tick", "thumb", "consent", "mail_request"):
        op.drop_table(table)
    op.execute(sa.text("DELETE FROM subscriber WHERE status = 'unconfirmed'"))
    _states(OLD)
    with op.batch_alter_table("subscriber", schema=None) as batch_op:
        batch_op.drop_column("chosen")
        batch_op.drop_column("epoch")

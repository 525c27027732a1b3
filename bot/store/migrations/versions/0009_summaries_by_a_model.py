"""Sentences by a language model, and what was spent on them

Revision: 0009, after 0008
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "summary",
        sa.Column("paper_id", BIG, autoincrement=False, nullable=False),
        sa.Column("version", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("language", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("model", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("objection", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("paper_id", "version", "language", name=op.f("pk_summary")),
    )
    op.create_index(op.f("ix_summary_at"), "summary", ["at"], unique=False)
    op.create_table(
        "model_spend",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("tokens", BIG, nullable=False),
        sa.Column("written", sa.Integer(), nullable=False),
        sa.Column("thrown_away", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_model_spend")),
    )


def downgrade() -> None:
    op.drop_table("model_spend")
    op.drop_table("summary")

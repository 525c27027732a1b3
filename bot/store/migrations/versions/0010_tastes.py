"""What is learnt of a subscriber's library and thumbs, and libraries on the web as they were last read

Revision: 0010, after 0009
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sqlmodel.sql.sqltypes.UTCDateTime
WORD = sqlmodel.sql.sqltypes.AutoString
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "taste",
        sa.Column("subscriber_id", BIG, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT(), nullable=False),
        sa.Column("learnt_from", WORD(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", name=op.f("pk_taste")),
    )
    op.create_table(
        "library",
        sa.Column("place", WORD(), nullable=False),
        sa.Column("read_at", MOMENT(), nullable=False),
        sa.Column("digest", WORD(), nullable=False),
        sa.Column("papers", sa.Text(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_library")),
    )


def downgrade() -> None:
    op.drop_table("library")
    op.drop_table("taste")

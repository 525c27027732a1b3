"""What mail has learnt of a relay or domain, and how much a relay was given each day

Revision: 0002, after 0001
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handed",
        sa.Column("relay", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("relay", "day", name=op.f("pk_handed")),
    )
    op.add_column("pace", sa.Column("gap", sa.Float(), nullable=False, server_default="0"))
    op.add_column("pace", sa.Column("trips", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("pace", sa.Column("told_operator", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("pace", schema=None) as batch_op:
        batch_op.drop_column("told_operator")
        batch_op.drop_column("trips")
        batch_op.drop_column("gap")
    op.drop_table("handed")

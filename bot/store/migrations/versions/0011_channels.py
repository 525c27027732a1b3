"""Channels beside mail, each with an edition of its own

Revision: 0011, after 0010
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "edition", sa.Column("channel", sqlmodel.sql.sqltypes.AutoString(), server_default="", nullable=False)
    )


def downgrade() -> None:
    with op.batch_alter_table("edition") as batch:
        batch.drop_column("channel")

"""What subscribers correct in what is learnt of them

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("taste", sa.Column("corrections", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("taste", schema=None) as batch_op:
        batch_op.drop_column("corrections")

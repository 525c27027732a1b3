"""What is asked at every tick has an index of its own, and what only `compose` had to write has none: a Message-ID names
its reader, what is open is found as such

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UNTOLD = sa.text("state = 'expired' AND folded_into IS NULL")
PAUSED = sa.text("paused_until IS NOT NULL")


def upgrade() -> None:
    op.add_column("revision", sa.Column("ranked", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_subscriber_paused", "subscriber", ["paused_until"], sqlite_where=PAUSED, postgresql_where=PAUSED
    )
    op.drop_index("ix_edition_compose_id", table_name="edition")
    op.drop_index("ix_edition_message_id", table_name="edition")
    op.create_index("ix_edition_untold", "edition", ["subscriber_id"], sqlite_where=UNTOLD, postgresql_where=UNTOLD)


def downgrade() -> None:
    op.drop_index("ix_subscriber_paused", table_name="subscriber")
    with op.batch_alter_table("revision", schema=None) as batch_op:
        batch_op.drop_column("ranked")
    op.drop_index("ix_edition_untold", table_name="edition")
    op.create_index("ix_edition_compose_id", "edition", ["compose_id"])
    op.create_index("ix_edition_message_id", "edition", ["message_id"])

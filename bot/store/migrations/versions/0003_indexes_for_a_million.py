"""Expired editions have an index of their own; what is still open is found without one by run, and a Message-ID names
its reader

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UNTOLD = sa.text("state = 'expired' AND folded_into IS NULL")


def upgrade() -> None:
    op.drop_index("ix_edition_compose_id", table_name="edition")
    op.drop_index("ix_edition_message_id", table_name="edition")
    op.create_index("ix_edition_untold", "edition", ["subscriber_id"], sqlite_where=UNTOLD, postgresql_where=UNTOLD)


def downgrade() -> None:
    op.drop_index("ix_edition_untold", table_name="edition")
    op.create_index("ix_edition_compose_id", "edition", ["compose_id"])
    op.create_index("ix_edition_message_id", "edition", ["message_id"])

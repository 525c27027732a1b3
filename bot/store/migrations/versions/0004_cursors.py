"""How far a subscriber has been told is called a cursor

Revision: 0004, after 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

RENAMED = (("told_revision", "digest_cursor"), ("alert_revision", "alert_cursor"))


def upgrade() -> None:
    for old, new in RENAMED:  # both databases rename in place, and their indexes follow
        op.execute(f"ALTER TABLE subscriber RENAME COLUMN {old} TO {new}")


def downgrade() -> None:
    for old, new in RENAMED:
        op.execute(f"ALTER TABLE subscriber RENAME COLUMN {new} TO {old}")

"""Tables bear the names the program uses

Revision: 0007, after 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

RENAMED = (
    ("vote", "metric_snapshot"),
    ("recording", "unparsed"),
    ("pace", "rate_limit"),
    ("handed", "daily_quota"),
)


def upgrade() -> None:
    for old, new in RENAMED:
        op.rename_table(old, new)
    _rename_on_postgresql(RENAMED)
    op.drop_index("ix_recording_source", table_name="unparsed")
    op.create_index("ix_unparsed_source", "unparsed", ["source"])


def downgrade() -> None:
    back = tuple((new, old) for old, new in RENAMED)
    for old, new in back:
        op.rename_table(old, new)
    _rename_on_postgresql(back)
    op.drop_index("ix_unparsed_source", table_name="recording")
    op.create_index("ix_recording_source", "recording", ["source"])


def _rename_on_postgresql(pairs: tuple[tuple[str, str], ...]) -> None:
    """Keys and sequences keep a table's old name there, and would be in the way of a new table of that name."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for old, new in pairs:
        op.execute(f"ALTER INDEX IF EXISTS pk_{old} RENAME TO pk_{new}")
        op.execute(f"ALTER SEQUENCE IF EXISTS {old}_id_seq RENAME TO {new}_id_seq")

"""What the trending sections of late told stands with the subscriber; places among the trending papers are computed

Revision: 0008, after 0007
"""

import json
from collections import defaultdict
from datetime import timedelta

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscriber", sa.Column("trending_ids", sa.Text(), nullable=False, server_default=""))
    _fill()
    op.drop_table("trend")
    with op.batch_alter_table("revision", schema=None) as batch_op:
        batch_op.drop_column("ranked")


def _fill() -> None:
    """From the digests of the last month, so that nobody is told again what they know."""
    tx = op.get_bind()
    edition = sa.table(
        "edition", sa.column("subscriber_id"), sa.column("kind"), sa.column("day", sa.Date), sa.column("picks")
    )
    subscriber = sa.table("subscriber", sa.column("id"), sa.column("trending_ids"))
    newest = tx.execute(sa.select(sa.func.max(edition.c.day))).scalar()
    if newest is None:
        return
    told: dict[int, dict[int, None]] = defaultdict(dict)
    of_late = sa.and_(edition.c.kind == "digest", edition.c.day >= newest - timedelta(days=31))
    for subscriber_id, picks in tx.execute(sa.select(edition.c.subscriber_id, edition.c.picks).where(of_late)):
        told[subscriber_id].update(dict.fromkeys(_trending(json.loads(picks))))
    changed = [
        {"subscriber": subscriber_id, "told": ",".join(map(str, ids))} for subscriber_id, ids in told.items() if ids
    ]
    if changed:
        fill = sa.update(subscriber).where(subscriber.c.id == sa.bindparam("subscriber"))
        tx.execute(fill.values(trending_ids=sa.bindparam("told")), changed)


def _trending(picks: dict | list) -> list[int]:
    if isinstance(picks, list):  # the first form, by position: [[[kind, name, ids, more, more ids], ...], ...]
        return [paper for kind, _name, ids, *_ in picks[0] if kind == "trending" for paper in ids]
    sections = picks.get("sections", [])
    return [paper for section in sections if section["kind"] == "trending" for paper in section["ids"]]


def downgrade() -> None:
    op.create_table(
        "trend",
        sa.Column("paper_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("paper_id", "revision", name=op.f("pk_trend")),
    )
    op.create_index(op.f("ix_trend_place"), "trend", ["place"])
    op.add_column("revision", sa.Column("ranked", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("subscriber", schema=None) as batch_op:
        batch_op.drop_column("trending_ids")

"""Indexes: on the audit log, to see whether a look is written down already; and of the queue, with all that filters ask about."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ORDER = ["urgency", "last_at", "id"]
_FILTERED = ["status", "channel", "road", "context", "platform", "crisis", "rating", "assigned_to", "n_messages", "n_words"]


def upgrade() -> None:
    """Make them."""
    op.create_index("audit_look", "audit", ["actor", "action", "at"])
    op.drop_index("conversation_queue", table_name="conversation")
    op.create_index("conversation_queue", "conversation", [*_ORDER, *_FILTERED])


def downgrade() -> None:
    """As it was."""
    op.drop_index("conversation_queue", table_name="conversation")
    op.create_index("conversation_queue", "conversation", _ORDER)
    op.drop_index("audit_look", table_name="audit")

"""An index on the audit log, by which it is seen whether a look is written down already."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it."""
    op.create_index("audit_look", "audit", ["actor", "action", "at"])


def downgrade() -> None:
    """Remove it."""
    op.drop_index("audit_look", table_name="audit")

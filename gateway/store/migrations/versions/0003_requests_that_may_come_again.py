"""Requests that may be sent again."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table('sent',
    sa.Column('job_id', sa.String(), nullable=False),
    sa.Column('team', sa.String(), nullable=False),
    sa.Column('key_id', sa.String(), nullable=False),
    sa.Column('route', sa.String(), nullable=False),
    sa.Column('fingerprint', sa.String(), nullable=False),
    sa.Column('seen_at', sa.Float(), nullable=False),
    sa.Column('answered', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('job_id')
    )
    with op.batch_alter_table('sent', schema=None) as batch_op:
        batch_op.create_index('sent_by_request', ['fingerprint', 'team'], unique=False)
        batch_op.create_index(batch_op.f('ix_sent_seen_at'), ['seen_at'], unique=False)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table('sent', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sent_seen_at'))
        batch_op.drop_index('sent_by_request')

    op.drop_table('sent')

"""Names that faces give to jobs."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table('alias',
    sa.Column('face', sa.String(), nullable=False),
    sa.Column('team', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('native_id', sa.String(), nullable=False),
    sa.Column('job_id', sa.String(), nullable=False),
    sa.Column('collection', sa.String(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('face', 'team', 'kind', 'native_id')
    )
    with op.batch_alter_table('alias', schema=None) as batch_op:
        batch_op.create_index('alias_by_collection', ['team', 'face', 'collection'], unique=False)
        batch_op.create_index('alias_by_job', ['job_id'], unique=False)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table('alias', schema=None) as batch_op:
        batch_op.drop_index('alias_by_job')
        batch_op.drop_index('alias_by_collection')

    op.drop_table('alias')

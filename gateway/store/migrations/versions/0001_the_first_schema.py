"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table('api_key',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('team', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=True),
    sa.Column('hash', sa.String(), nullable=False),
    sa.Column('scopes', sa.Text(), nullable=False),
    sa.Column('allow', sa.Text(), nullable=True),
    sa.Column('created_at', sa.Float(), nullable=False),
    sa.Column('expires_at', sa.Float(), nullable=True),
    sa.Column('revoked_at', sa.Float(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('hash')
    )
    op.create_table('asset',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('team', sa.String(), nullable=False),
    sa.Column('job_id', sa.String(), nullable=True),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('media_type', sa.String(), nullable=False),
    sa.Column('bytes', sa.BigInteger(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('duration_s', sa.Float(), nullable=True),
    sa.Column('sandbox', sa.Boolean(), nullable=False),
    sa.Column('withheld', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.Float(), nullable=False),
    sa.Column('expires_at', sa.Float(), nullable=False),
    sa.Column('deleted_at', sa.Float(), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('asset', schema=None) as batch_op:
        batch_op.create_index('asset_by_digest', ['sha256'], unique=False)
        batch_op.create_index('asset_by_job', ['job_id'], unique=False)
        batch_op.create_index('asset_by_team', ['team', 'created_at', 'id'], unique=False)
        batch_op.create_index('ix_asset_expires_at', ['expires_at'], unique=False)

    op.create_table('attempt',
    sa.Column('job_id', sa.String(), nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('part', sa.Integer(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('backend', sa.String(), nullable=False),
    sa.Column('account', sa.String(), nullable=True),
    sa.Column('model', sa.String(), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('is_open', sa.Boolean(), nullable=False),
    sa.Column('handle', sa.Text(), nullable=False),
    sa.Column('phase', sa.String(), nullable=True),
    sa.Column('effective', sa.Text(), nullable=True),
    sa.Column('adjustments', sa.Text(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('how', sa.String(), nullable=True),
    sa.Column('started_at', sa.Float(), nullable=False),
    sa.Column('submitted_at', sa.Float(), nullable=True),
    sa.Column('closed_at', sa.Float(), nullable=True),
    sa.PrimaryKeyConstraint('job_id', 'n')
    )
    with op.batch_alter_table('attempt', schema=None) as batch_op:
        batch_op.create_index('attempt_open', ['is_open', 'job_id'], unique=False)

    op.create_table('backend',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('discovery', sa.Text(), nullable=False),
    sa.Column('at', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('event',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('job_id', sa.String(), nullable=False),
    sa.Column('team', sa.String(), nullable=False),
    sa.Column('type', sa.String(), nullable=False),
    sa.Column('at', sa.Float(), nullable=False),
    sa.Column('data', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('event', schema=None) as batch_op:
        batch_op.create_index('event_by_job', ['job_id', 'id'], unique=False)
        batch_op.create_index('event_by_team', ['team', 'id'], unique=False)

    op.create_table('gone',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('team', sa.String(), nullable=False),
    sa.Column('until', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('gone', schema=None) as batch_op:
        batch_op.create_index('ix_gone_until', ['until'], unique=False)

    op.create_table('idempotency',
    sa.Column('team', sa.String(), nullable=False),
    sa.Column('route', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('fingerprint', sa.String(), nullable=False),
    sa.Column('job_id', sa.String(), nullable=False),
    sa.Column('expires_at', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('team', 'route', 'key')
    )
    with op.batch_alter_table('idempotency', schema=None) as batch_op:
        batch_op.create_index('ix_idempotency_expires_at', ['expires_at'], unique=False)

    op.create_table('job',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('team', sa.String(), nullable=False),
    sa.Column('key_id', sa.String(), nullable=True),
    sa.Column('operation', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('phase', sa.String(), nullable=True),
    sa.Column('priority', sa.Integer(), nullable=False),
    sa.Column('backend', sa.String(), nullable=True),
    sa.Column('account', sa.String(), nullable=True),
    sa.Column('model', sa.String(), nullable=True),
    sa.Column('dialect', sa.String(), nullable=True),
    sa.Column('sandbox', sa.Boolean(), nullable=False),
    sa.Column('spec', sa.Text(), nullable=False),
    sa.Column('client_ref', sa.String(), nullable=True),
    sa.Column('progress', sa.Float(), nullable=True),
    sa.Column('outputs', sa.Text(), nullable=True),
    sa.Column('parts', sa.Text(), nullable=True),
    sa.Column('effective', sa.Text(), nullable=True),
    sa.Column('adjustments', sa.Text(), nullable=True),
    sa.Column('warnings', sa.Text(), nullable=True),
    sa.Column('review', sa.Text(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('cancel', sa.Text(), nullable=True),
    sa.Column('usage', sa.Text(), nullable=True),
    sa.Column('timings', sa.Text(), nullable=True),
    sa.Column('created_at', sa.Float(), nullable=False),
    sa.Column('started_at', sa.Float(), nullable=True),
    sa.Column('finished_at', sa.Float(), nullable=True),
    sa.Column('deadline_at', sa.Float(), nullable=True),
    sa.Column('not_before', sa.Float(), nullable=True),
    sa.Column('last_event_id', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.create_index('job_by_team', ['team', 'created_at', 'id'], unique=False)
        batch_op.create_index('job_open', ['state', 'finished_at'], unique=False)

    op.create_table('job_input',
    sa.Column('job_id', sa.String(), nullable=False),
    sa.Column('asset_id', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('job_id', 'asset_id')
    )
    with op.batch_alter_table('job_input', schema=None) as batch_op:
        batch_op.create_index('job_input_by_asset', ['asset_id'], unique=False)

    op.create_table('job_tag',
    sa.Column('job_id', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('job_id', 'key')
    )
    with op.batch_alter_table('job_tag', schema=None) as batch_op:
        batch_op.create_index('job_tag_by_value', ['key', 'value', 'job_id'], unique=False)



def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table('job_tag', schema=None) as batch_op:
        batch_op.drop_index('job_tag_by_value')

    op.drop_table('job_tag')
    with op.batch_alter_table('job_input', schema=None) as batch_op:
        batch_op.drop_index('job_input_by_asset')

    op.drop_table('job_input')
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.drop_index('job_open')
        batch_op.drop_index('job_by_team')

    op.drop_table('job')
    with op.batch_alter_table('idempotency', schema=None) as batch_op:
        batch_op.drop_index('ix_idempotency_expires_at')

    op.drop_table('idempotency')
    with op.batch_alter_table('gone', schema=None) as batch_op:
        batch_op.drop_index('ix_gone_until')

    op.drop_table('gone')
    with op.batch_alter_table('event', schema=None) as batch_op:
        batch_op.drop_index('event_by_team')
        batch_op.drop_index('event_by_job')

    op.drop_table('event')
    op.drop_table('backend')
    with op.batch_alter_table('attempt', schema=None) as batch_op:
        batch_op.drop_index('attempt_open')

    op.drop_table('attempt')
    with op.batch_alter_table('asset', schema=None) as batch_op:
        batch_op.drop_index('ix_asset_expires_at')
        batch_op.drop_index('asset_by_team')
        batch_op.drop_index('asset_by_job')
        batch_op.drop_index('asset_by_digest')

    op.drop_table('asset')
    op.drop_table('api_key')

"""The tables, as SQLModel classes. Nothing outside this room knows them.

Times are UTC seconds. What is only ever read whole (a spec, an error, a list of outputs) is JSON text; what is
filtered, guarded or joined is a column of its own.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text
from sqlmodel import Field, SQLModel


def _json() -> Column[str]:
    return Column(Text, nullable=True)


class JobTable(SQLModel, table=True):
    """One accepted request. Its state changes only from a legal state (contracts.job.ENTERED_FROM)."""

    __tablename__ = "job"
    __table_args__ = (
        Index("job_by_team", "team", "created_at", "id"),
        Index("job_open", "state", "finished_at"),
    )

    id: str = Field(primary_key=True)
    team: str
    key_id: str | None = None
    operation: str
    state: str
    phase: str | None = None
    priority: int = 0
    backend: str | None = None
    account: str | None = None
    model: str | None = None
    dialect: str | None = None
    sandbox: bool = False
    spec: str = Field(sa_column=Column(Text, nullable=False))
    client_ref: str | None = None
    progress: float | None = None
    outputs: str | None = Field(default=None, sa_column=_json())
    parts: str | None = Field(default=None, sa_column=_json())
    effective: str | None = Field(default=None, sa_column=_json())
    adjustments: str | None = Field(default=None, sa_column=_json())
    warnings: str | None = Field(default=None, sa_column=_json())
    review: str | None = Field(default=None, sa_column=_json())
    error: str | None = Field(default=None, sa_column=_json())
    cancel: str | None = Field(default=None, sa_column=_json())
    usage: str | None = Field(default=None, sa_column=_json())
    timings: str | None = Field(default=None, sa_column=_json())
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    deadline_at: float | None = None
    not_before: float | None = None
    last_event_id: int = Field(default=0, sa_type=BigInteger)


class JobTagTable(SQLModel, table=True):
    """A caller's own label on a job."""

    __tablename__ = "job_tag"
    __table_args__ = (Index("job_tag_by_value", "key", "value", "job_id"),)

    job_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: str


class JobInputTable(SQLModel, table=True):
    """A job's hold on an input asset: the purge waits for it."""

    __tablename__ = "job_input"
    __table_args__ = (Index("job_input_by_asset", "asset_id"),)

    job_id: str = Field(primary_key=True)
    asset_id: str = Field(primary_key=True)


class AttemptTable(SQLModel, table=True):
    """One try at one backend: the intent is this row, committed before anything is sent."""

    __tablename__ = "attempt"
    __table_args__ = (Index("attempt_open", "is_open", "job_id"),)

    job_id: str = Field(primary_key=True)
    n: int = Field(primary_key=True)
    part: int = 1
    count: int = 1
    backend: str
    account: str | None = None
    model: str
    epoch: int = 1
    is_open: bool = True
    handle: str = Field(sa_column=Column(Text, nullable=False))
    phase: str | None = None
    effective: str | None = Field(default=None, sa_column=_json())
    adjustments: str | None = Field(default=None, sa_column=_json())
    error: str | None = Field(default=None, sa_column=_json())
    outcome: str | None = None
    how: str | None = None
    started_at: float
    submitted_at: float | None = None
    closed_at: float | None = None


class EventTable(SQLModel, table=True):
    """One line of a job's history. Ids are in commit order, so that no reader misses one."""

    __tablename__ = "event"
    __table_args__ = (
        Index("event_by_job", "job_id", "id"),
        Index("event_by_team", "team", "id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    )
    job_id: str
    team: str
    type: str
    at: float
    data: str = Field(sa_column=Column(Text, nullable=False))


class IdempotencyTable(SQLModel, table=True):
    """Which job a team's idempotency key made, and from what."""

    __tablename__ = "idempotency"

    team: str = Field(primary_key=True)
    route: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: str
    job_id: str
    expires_at: float = Field(index=True)


class AssetTable(SQLModel, table=True):
    """A stored file as one team sees it. The bytes are content-addressed underneath."""

    __tablename__ = "asset"
    __table_args__ = (
        Index("asset_by_team", "team", "created_at", "id"),
        Index("asset_by_digest", "sha256"),
        Index("asset_by_job", "job_id"),
    )

    id: str = Field(primary_key=True)
    team: str
    job_id: str | None = None
    source: str
    role: str = "image"
    position: int = 0
    sha256: str
    media_type: str
    bytes: int = Field(sa_type=BigInteger)
    width: int
    height: int
    duration_s: float | None = None
    sandbox: bool = False
    withheld: bool = False
    created_at: float
    expires_at: float = Field(index=True)
    deleted_at: float | None = None


class GoneTable(SQLModel, table=True):
    """What is past its retention: 410 for a while, then 404."""

    __tablename__ = "gone"

    id: str = Field(primary_key=True)
    team: str
    until: float = Field(index=True)


class ApiKeyTable(SQLModel, table=True):
    """A key, known only by its hash. Revoked keys stay, so that open mode never comes back."""

    __tablename__ = "api_key"

    id: str = Field(primary_key=True)
    team: str
    name: str | None = None
    hash: str = Field(unique=True)
    scopes: str = Field(sa_column=Column(Text, nullable=False))
    allow: str | None = Field(default=None, sa_column=_json())
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None


class AliasTable(SQLModel, table=True):
    """What a face calls a job: a native id of a kind, for one team. Written in the transaction that accepts the job."""

    __tablename__ = "alias"
    __table_args__ = (Index("alias_by_job", "job_id"), Index("alias_by_collection", "team", "face", "collection"))

    face: str = Field(primary_key=True)
    team: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    native_id: str = Field(primary_key=True)
    job_id: str
    collection: str | None = None
    note: str | None = Field(default=None, sa_column=_json())


class SentTable(SQLModel, table=True):
    """A request that made a job and may be sent again by a client that heard nothing (gateway.store.sent)."""

    __tablename__ = "sent"
    __table_args__ = (Index("sent_by_request", "fingerprint", "team"),)

    job_id: str = Field(primary_key=True)
    team: str
    key_id: str
    route: str
    fingerprint: str
    seen_at: float = Field(index=True)
    answered: bool = False


class BackendTable(SQLModel, table=True):
    """What a backend said of itself when it was last asked."""

    __tablename__ = "backend"

    name: str = Field(primary_key=True)
    discovery: str = Field(sa_column=Column(Text, nullable=False))
    at: float


def table(model: type[SQLModel]) -> Table:
    """Return the Core table behind a model."""
    found: Table = model.__table__  # type: ignore[attr-defined]
    return found


JOB = table(JobTable)
JOB_TAG = table(JobTagTable)
JOB_INPUT = table(JobInputTable)
ATTEMPT = table(AttemptTable)
EVENT = table(EventTable)
IDEMPOTENCY = table(IdempotencyTable)
ALIAS = table(AliasTable)
ASSET = table(AssetTable)
GONE = table(GoneTable)
API_KEY = table(ApiKeyTable)
SENT = table(SentTable)
BACKEND = table(BackendTable)
METADATA = SQLModel.metadata

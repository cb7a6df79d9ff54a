"""Every table: its name, columns, dtypes and key, once."""

from datetime import UTC, datetime
from typing import Final

import polars as pl

from nightschool import table

Table = table.Table
ExternalId = table.ExternalId
ID: Final = table.ID

RELEASE_ID: Final = "release_id"
USER_ID: Final = "user_id"
ITEM_ID: Final = "item_id"
NEIGHBOR_ID: Final = "neighbor_id"
BECAUSE_ITEM_ID: Final = "because_item_id"
USER_INDEX: Final = "user_index"
ITEM_INDEX: Final = "item_index"

EVENT_ID: Final = "event_id"
LIST_ID: Final = "list_id"
TIMESTAMP: Final = "timestamp"
AVAILABLE_AT: Final = "available_at"
EVENT: Final = "event"
DURATION: Final = "duration_seconds"
LIKED: Final = "liked"
RATING: Final = "rating"
REVISION: Final = "revision"
DELETED: Final = "deleted"
SOURCE_FILE: Final = "source_file"
SOURCE_ROW: Final = "source_row"

TITLE: Final = "title"
TEXT: Final = "text"
UNTIL: Final = "until"
WITHDRAWN: Final = "withdrawn"

TABLE: Final = "table"
REASON: Final = "reason"
DETAIL: Final = "detail"
ROW: Final = "row"
QUARANTINED_AT: Final = "quarantined_at"
SUPERSEDED: Final = "superseded"
"""The reason of a quarantined row whose mended form came in: it has left the list."""

FILE: Final = "file"
KIND: Final = "kind"
MAPPING: Final = "mapping"
BYTES: Final = "bytes"
ROWS: Final = "rows"
SHA256: Final = "sha256"
POSITION: Final = "position"
READ_AT: Final = "read_at"
OFFSET: Final = "offset"
HELD: Final = "held"
ARRIVED_AT: Final = "arrived_at"
STATE: Final = "state"
LIST: Final = "list"
COLUMN: Final = "column"
BIN: Final = "bin"

RANK: Final = "rank"
SCORE: Final = "score"
SOURCE: Final = "source"
COMPONENT: Final = "component"
WEIGHT: Final = "weight"
RECENCY: Final = "recency"
METHOD: Final = "method"
SUPPORT: Final = "support"
SHARE: Final = "share"
AUDIENCE: Final = "audience"
CONTEXT: Final = "context"
LIFT: Final = "lift"
RELEVANT: Final = "relevant"
NEGATIVE: Final = "negative"
BOT_EVENT: Final = "bot_event"

MODEL: Final = "model"
SPLIT: Final = "split"
SEGMENT: Final = "segment"
METRIC: Final = "metric"
K: Final = "k"
VALUE: Final = "value"
CI_LOW: Final = "ci_low"
CI_HIGH: Final = "ci_high"
N_USERS: Final = "n_users"
N_EVENTS: Final = "events"

AS_OF: Final = "as_of"
RUN_KEY: Final = "run_key"
CONTENT_HASHES: Final = "content_hashes"
ROW_COUNTS: Final = "row_counts"
USER_HASH: Final = "user_hash"
ERASED_AT: Final = "erased_at"
COMMIT_VERSION: Final = "commit_version"

ALWAYS: Final = datetime(1900, 1, 1, tzinfo=UTC)
"""`available_at` of a row that was always known."""

INSTANT: Final = pl.Datetime("us", "UTC")


SOURCES: Final = Table(
    "sources",
    {
        **dict.fromkeys((FILE, TABLE, KIND, MAPPING), pl.String),
        **dict.fromkeys((BYTES, ROWS), pl.Int64),
        **dict.fromkeys((SHA256, POSITION), pl.String),
        READ_AT: INSTANT,
    },
    key=(FILE,),
    optional={
        **dict.fromkeys((OFFSET, HELD), pl.Int64),
        ARRIVED_AT: INSTANT,
        **dict.fromkeys((STATE, REASON, DETAIL, LIST), pl.String),
    },
)
"""`rows` are all that came under a file's name, `offset` those of an earlier content, `held` those that tables got."""
USERS: Final = Table(
    "users",
    {USER_ID: ID, AVAILABLE_AT: INSTANT},
    key=(USER_ID, AVAILABLE_AT),
    open=True,
    optional={WITHDRAWN: pl.Boolean},
)
ITEMS: Final = Table(
    "items",
    {ITEM_ID: ID, TITLE: pl.String, TEXT: pl.String, AVAILABLE_AT: INSTANT},
    key=(ITEM_ID, AVAILABLE_AT),
    open=True,
    optional={UNTIL: INSTANT, WITHDRAWN: pl.Boolean},
)
INTERACTIONS: Final = Table(
    "interactions",
    {
        EVENT_ID: pl.String,
        USER_ID: ID,
        ITEM_ID: ID,
        TIMESTAMP: INSTANT,
        AVAILABLE_AT: INSTANT,
        EVENT: pl.String,
        DURATION: pl.Float64,
        LIKED: pl.Boolean,
        RATING: pl.Float64,
        REVISION: pl.Int32,
        DELETED: pl.Boolean,
        SOURCE_FILE: pl.String,
        SOURCE_ROW: pl.Int64,
    },
    key=(SOURCE_FILE, SOURCE_ROW),
    open=True,
    local=(AVAILABLE_AT,),
    optional={POSITION: pl.Float64},
)
QUARANTINE: Final = Table(
    "quarantine",
    {
        **dict.fromkeys((TABLE, SOURCE_FILE), pl.String),
        SOURCE_ROW: pl.Int64,
        **dict.fromkeys((REASON, DETAIL, ROW), pl.String),
        QUARANTINED_AT: INSTANT,
    },
    key=(TABLE, SOURCE_FILE, SOURCE_ROW),
    local=(QUARANTINED_AT,),
)

BATCHES: Final = Table(
    "batches",
    {READ_AT: INSTANT, TABLE: pl.String, SOURCE: pl.String, COLUMN: pl.String, BIN: pl.String, ROWS: pl.Int64},
    key=(READ_AT, TABLE, SOURCE, COLUMN, BIN),
)

RECOMMENDATIONS: Final = Table(
    "recommendations",
    {
        RELEASE_ID: pl.String,
        USER_ID: ID,
        ITEM_ID: ID,
        RANK: pl.Int32,
        SCORE: pl.Float32,
        SOURCE: pl.String,
        REASON: pl.String,
        BECAUSE_ITEM_ID: ID,
    },
    key=(USER_ID, RANK),
    released=True,
)
CANDIDATE_SCORES: Final = Table(
    "candidate_scores",
    {RELEASE_ID: pl.String, USER_ID: ID, ITEM_ID: ID},
    key=(USER_ID, ITEM_ID),
    open=True,
    released=True,
)
SIMILAR_ITEMS: Final = Table(
    "similar_items",
    {RELEASE_ID: pl.String, ITEM_ID: ID, NEIGHBOR_ID: ID, RANK: pl.Int32, SCORE: pl.Float32},
    key=(ITEM_ID, RANK),
    released=True,
)
NEXT_ITEMS: Final = Table(
    "next_items",
    {RELEASE_ID: pl.String, ITEM_ID: ID, NEIGHBOR_ID: ID, RANK: pl.Int32, SUPPORT: pl.Int32, SHARE: pl.Float32},
    key=(ITEM_ID, RANK),
    released=True,
)
ITEM_WEIGHTS: Final = Table(
    "item_weights",
    {RELEASE_ID: pl.String, COMPONENT: pl.String, ITEM_ID: ID, NEIGHBOR_ID: ID, WEIGHT: pl.Float32},
    key=(COMPONENT, ITEM_ID, NEIGHBOR_ID),
    released=True,
    optional={RECENCY: pl.Float32},
)
SIMILAR_USERS: Final = Table(
    "similar_users",
    {
        RELEASE_ID: pl.String,
        USER_ID: ID,
        NEIGHBOR_ID: ID,
        METHOD: pl.String,
        RANK: pl.Int32,
        SCORE: pl.Float32,
        SUPPORT: pl.Int32,
    },
    key=(USER_ID, METHOD, RANK),
    released=True,
)
AUDIENCE_RECOMMENDATIONS: Final = Table(
    "audience_recommendations",
    {RELEASE_ID: pl.String, AUDIENCE: pl.String, ITEM_ID: ID, RANK: pl.Int32, SCORE: pl.Float32},
    key=(AUDIENCE, RANK),
    released=True,
)
CONTEXT_LIFTS: Final = Table(
    "context_lifts",
    {RELEASE_ID: pl.String, CONTEXT: pl.String, VALUE: pl.String, ITEM_ID: ID, LIFT: pl.Float32, SUPPORT: pl.Int32},
    key=(CONTEXT, VALUE, ITEM_ID),
    released=True,
)
HISTORIES: Final = Table(
    "histories", {USER_ID: ID, ITEM_ID: ID, SCORE: pl.Float32, TIMESTAMP: INSTANT}, key=(USER_ID, ITEM_ID)
)
"""The merged pairs that a release's lists were made from: a file beside the lists, and nowhere a table."""
METRICS: Final = Table(
    "metrics",
    {
        **dict.fromkeys((RELEASE_ID, MODEL, SPLIT, SEGMENT, METRIC), pl.String),
        K: pl.Int32,
        **dict.fromkeys((VALUE, CI_LOW, CI_HIGH), pl.Float64),
        N_USERS: pl.Int64,
    },
    key=(MODEL, SPLIT, SEGMENT, METRIC, K),
    released=True,
)
RELEASES: Final = Table(
    "releases",
    {
        RELEASE_ID: pl.String,
        "created_at": INSTANT,
        AS_OF: INSTANT,
        **dict.fromkeys((RUN_KEY, "data_fingerprint", "code_version", "environment", "config", "recipe"), pl.String),
        **dict.fromkeys(("mlflow_run_id", CONTENT_HASHES, ROW_COUNTS, "gates", "status", REASON), pl.String),
        COMMIT_VERSION: pl.Int64,
    },
    key=(COMMIT_VERSION,),
)

NIGHTS: Final = Table(
    "nights",
    {
        **dict.fromkeys(("night_id", "flow_run_id", "outcome", REASON, RELEASE_ID, ROWS, "stages"), pl.String),
        **dict.fromkeys(("scheduled_for", AS_OF, "started_at", "ended_at", "newest_event"), INSTANT),
        "exit_code": pl.Int32,
    },
    key=("night_id", "ended_at"),
)

ERASURES: Final = Table(
    "erasures",
    {USER_HASH: pl.String, ERASED_AT: INSTANT, CONTENT_HASHES: pl.String, ROW_COUNTS: pl.String},
    key=(USER_HASH, ERASED_AT),
)

RELEASE_TABLES: Final = (
    RECOMMENDATIONS,
    CANDIDATE_SCORES,
    SIMILAR_ITEMS,
    NEXT_ITEMS,
    ITEM_WEIGHTS,
    SIMILAR_USERS,
    AUDIENCE_RECOMMENDATIONS,
    CONTEXT_LIFTS,
    METRICS,
)

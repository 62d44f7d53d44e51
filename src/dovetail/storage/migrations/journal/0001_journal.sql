-- One row for each request that reached a model. `began` is in seconds since 1970, other times are durations in seconds.
CREATE TABLE request (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    began REAL NOT NULL,
    id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    caller TEXT NOT NULL,
    key TEXT,
    kind TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    model TEXT NOT NULL,
    streamed INTEGER NOT NULL,
    status INTEGER NOT NULL,
    error TEXT,
    finish TEXT,
    choices INTEGER NOT NULL,
    duration REAL NOT NULL,
    queued REAL NOT NULL,
    loading REAL NOT NULL,
    prefill REAL,
    ttft REAL,
    decode REAL,
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    prompt_speed REAL,
    speed REAL
) STRICT;
CREATE INDEX request_began ON request (began);
CREATE INDEX request_caller ON request (caller, number);
CREATE INDEX request_model ON request (model, number);

-- Times are seconds since 1970; the body is JSON, written and read whole.
CREATE TABLE benchmark (
    id TEXT PRIMARY KEY,
    began REAL NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX benchmark_began ON benchmark (began);

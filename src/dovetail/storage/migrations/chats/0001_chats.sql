-- Conversations, each of one owner. Times are seconds since 1970; what has the type JSON is written and read whole.
CREATE TABLE chat (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    title TEXT NOT NULL,
    title_by TEXT NOT NULL CHECK (title_by IN ('words', 'user')),
    folder TEXT,
    pinned INTEGER NOT NULL,
    leaf TEXT,
    model TEXT,
    system_prompt TEXT NOT NULL,
    params TEXT NOT NULL,
    created REAL NOT NULL,
    updated REAL NOT NULL,
    deleted REAL
) STRICT;
CREATE INDEX chat_owner ON chat (owner, deleted, pinned, updated);

-- `number` says which of two came first; `text` is what is searched, empty while the message is being written.
CREATE TABLE message (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    chat TEXT NOT NULL REFERENCES chat (id),
    parent TEXT,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'tool', 'system')),
    parts TEXT NOT NULL,
    text TEXT NOT NULL,
    model TEXT,
    params TEXT,
    usage TEXT,
    timings TEXT,
    finish TEXT,
    status TEXT NOT NULL CHECK (status IN ('streaming', 'complete', 'stopped', 'error')),
    error TEXT,
    run TEXT,
    created REAL NOT NULL,
    size INTEGER NOT NULL
) STRICT;
CREATE INDEX message_chat ON message (chat, size);
CREATE INDEX message_run ON message (run);

-- `hash` names the file that holds the bytes, which several may share.
CREATE TABLE attachment (
    id TEXT PRIMARY KEY,
    chat TEXT NOT NULL REFERENCES chat (id),
    hash TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('image', 'audio', 'file')),
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    created REAL NOT NULL
) STRICT;
CREATE INDEX attachment_chat ON attachment (chat, size);
CREATE INDEX attachment_hash ON attachment (hash);

CREATE TABLE preset (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    system_prompt TEXT NOT NULL,
    params TEXT NOT NULL,
    updated REAL NOT NULL,
    PRIMARY KEY (owner, id)
) STRICT, WITHOUT ROWID;

-- Times are seconds since 1970. The super-admin is no row here: that account lives in .auth.json.
CREATE TABLE account (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'member', 'admin')),
    password TEXT NOT NULL,
    created REAL NOT NULL
) STRICT;

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    account TEXT NOT NULL,
    created REAL NOT NULL,
    used REAL NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL
) STRICT;
CREATE INDEX session_account ON session (account, used);

CREATE TABLE key (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    prefix TEXT NOT NULL,
    name TEXT NOT NULL,
    account TEXT,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'member', 'admin')),
    scope TEXT NOT NULL,
    limits TEXT NOT NULL,
    priority INTEGER NOT NULL,
    created REAL NOT NULL,
    expires REAL,
    used REAL
) STRICT;
CREATE INDEX key_account ON key (account);

CREATE TABLE usage (
    key TEXT NOT NULL,
    model TEXT NOT NULL,
    day TEXT NOT NULL,
    requests INTEGER NOT NULL,
    prompt INTEGER NOT NULL,
    completion INTEGER NOT NULL,
    PRIMARY KEY (key, model, day)
) STRICT, WITHOUT ROWID;

-- What new conversations begin with; a preset that is gone is as none.
CREATE TABLE defaults (
    owner TEXT NOT NULL PRIMARY KEY,
    model TEXT,
    preset TEXT
) STRICT, WITHOUT ROWID;

-- OpenAI's stored responses: `body` is the response without its output, which is the items that were `made`.
CREATE TABLE response (
    id TEXT PRIMARY KEY,
    caller TEXT NOT NULL,
    created REAL NOT NULL,
    previous TEXT,
    size INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX response_age ON response (caller, created);

CREATE TABLE response_item (
    response TEXT NOT NULL REFERENCES response (id),
    place INTEGER NOT NULL,
    id TEXT NOT NULL,
    made INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (response, place)
) STRICT;
CREATE INDEX response_item_id ON response_item (id);

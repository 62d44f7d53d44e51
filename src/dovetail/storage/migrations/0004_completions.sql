-- Chat completions that are stored, beside responses: their items are the messages they were given and the choices made.
ALTER TABLE response ADD COLUMN kind TEXT NOT NULL DEFAULT 'response';

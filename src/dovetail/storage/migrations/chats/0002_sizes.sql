-- What is said of a conversation takes room as well as what is said in it. The indexes alone tell how much an owner has.
ALTER TABLE chat ADD COLUMN size INTEGER
    AS (length(CAST(system_prompt AS BLOB)) + length(CAST(params AS BLOB))) VIRTUAL;
CREATE INDEX chat_size ON chat (owner, size);
ALTER TABLE preset ADD COLUMN size INTEGER
    AS (length(CAST(system_prompt AS BLOB)) + length(CAST(params AS BLOB))) VIRTUAL;
CREATE INDEX preset_size ON preset (owner, size);

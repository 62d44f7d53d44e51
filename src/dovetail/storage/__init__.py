"""SQLite: SQL in, dataclasses out; numbered migrations that only go forward. The one place with SQL."""

"""The gateway's knowledge of each engine; no engine library is imported here."""

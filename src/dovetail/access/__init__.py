"""Who may come in: accounts, sessions, API keys, limits, and the record of what was done."""

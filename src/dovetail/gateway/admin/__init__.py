"""What the web interface and administrators use: people, keys, sessions, requests; one file for each."""

"""What the web interface and administrators use: people, keys, sessions; one file for each."""

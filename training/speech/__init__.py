"""A tiny model of Whisper's architecture that hears digits and a few words, for tests."""

"""Conversations that live on the server: what is kept of them, and the answers that are being written into them."""

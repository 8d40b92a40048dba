"""The front of the world's package index: its publishers, and what it lets be uploaded."""

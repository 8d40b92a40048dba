"""Every fault on every write of a release, and whether a second run recovers."""

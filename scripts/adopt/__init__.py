"""Adopt this system in another repository, and upgrade it there."""

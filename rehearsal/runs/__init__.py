"""Runs of a workflow in a world, under act or as plain processes."""

"""The command line: verbs, help, completion, JSON, and what a terminal shows."""

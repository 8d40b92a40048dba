"""The command line: verbs, help, completion, JSON and terminal output."""

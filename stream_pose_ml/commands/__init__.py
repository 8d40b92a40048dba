"""One file a command of the command line, of the same name, with a `run`."""

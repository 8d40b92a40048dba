"""The shell completion of `bin/release`: shtab makes it from the command line."""

import argparse

COMMAND = "release"
"""A shell looks a command up by the last part of its path."""
# The end of shtab's zsh script does not register the function if `source` reads it.
END_OF_FUNCTIONS = "\nif [[ $zsh_eval_context"


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Write the lines that a shell reads, with `source <(bin/release completion bash)`."""
    import shtab  # noqa: PLC0415 - no other verb needs it

    parser.prog = COMMAND
    made = shtab.complete(parser, shell)
    if shell != "zsh":
        return made.rstrip()
    return made.partition(END_OF_FUNCTIONS)[0] + f"\ncompdef _shtab_{COMMAND} {COMMAND}"

"""What a shell completes after `python -m scripts`: made from the command line's own description.

shtab writes completion for a command of one word. Ours is `python` with a module, so what it writes
is called from a function on `python`, which leaves every other use of python as it was.
"""

import argparse

NAME = "_python_m_scripts"
WRAPPED = {
    "bash": f"""
_found=$(complete -p python 2>/dev/null | sed -n 's/.* -F \\([^ ]*\\) .*/\\1/p')
[[ $_found == {NAME} ]] || {NAME}_before=$_found
unset _found
{NAME}() {{
  if [[ ${{COMP_WORDS[1]}} == -m && ${{COMP_WORDS[2]}} == scripts && $COMP_CWORD -ge 3 ]]; then
    COMP_WORDS=(scripts "${{COMP_WORDS[@]:3}}")
    COMP_CWORD=$((COMP_CWORD - 2))
    _shtab_scripts
  elif [[ -n ${NAME}_before ]]; then
    "${NAME}_before" "$@"
  fi
}}
complete -o bashdefault -o default -o nosort -F {NAME} python python3
""",
    "zsh": f"""
{NAME}() {{
  if [[ $words[2] == -m && $words[3] == scripts && $CURRENT -ge 4 ]]; then
    words=(scripts "${{(@)words[4,-1]}}")
    (( CURRENT -= 2 ))
    _shtab_scripts
  elif (( $+functions[_python] )); then
    _python "$@"
  else
    _default "$@"
  fi
}}
compdef {NAME} python python3
""",
}


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Write the lines that a shell reads, with `source <(python -m scripts completion bash)`."""
    import shtab  # noqa: PLC0415 - no other verb needs it

    parser.prog = "scripts"
    made = shtab.complete(parser, shell, "scripts")
    # What it ends with registers a command named `scripts`, which there is not.
    made = made.partition("\nif [[ $zsh_eval_context")[0]
    own = [line for line in made.splitlines() if not line.startswith(("complete ", "#compdef"))]
    return "\n".join(own).rstrip() + "\n" + WRAPPED[shell].rstrip()

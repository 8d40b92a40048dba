#!/usr/bin/env bash
# Install the packages that this commit of the release system pins, outside the released repository,
# and the command `release`. Like the Makefile, it uses only the lock files. No action chooses uv's version,
# and nothing comes from a cache that another run could have written.
set -euo pipefail

system=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../.." && pwd)
tools=${RUNNER_TEMP:?is set by the runner}/release-tools
python=$tools/bin/python

python3 -m venv --clear "$tools"
"$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$system/requirements/bootstrap.txt"
"$tools/bin/uv" pip sync --quiet --python "$tools" --require-hashes "$system/requirements/release.txt"

# The folder has only this command, so that the environment's other programs stay off the PATH.
mkdir "$tools/command"
{
  printf '#!/usr/bin/env bash\n'
  # -P: do not import `scripts` from the current folder.
  printf 'PYTHONPATH=%q exec %q -P -m scripts "$@"\n' "$system" "$python"
} > "$tools/command/release"
chmod +x "$tools/command/release"
echo "$tools/command" >> "${GITHUB_PATH:?is set by the runner}"

#!/usr/bin/env bash
# Install what this very commit of the release system pins, away from the repository that is released,
# and its command `release`. As the Makefile does: by the locks alone. No action chooses uv's version,
# and no cache that another run could have written holds what goes into a release.
set -euo pipefail

system=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../.." && pwd)
tools=${RUNNER_TEMP:?is set by the runner}/release-tools
python=$tools/bin/python

python3 -m venv --clear "$tools"
"$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$system/requirements/bootstrap.txt"
"$tools/bin/uv" pip sync --quiet --python "$tools" --require-hashes "$system/requirements/release.txt"

# The folder has nothing but this command: the environment's own programs stay off the PATH.
mkdir "$tools/command"
{
  printf '#!/usr/bin/env bash\n'
  # -P: not the `scripts` of the folder that it is called from.
  printf 'PYTHONPATH=%q exec %q -P -m scripts "$@"\n' "$system" "$python"
} > "$tools/command/release"
chmod +x "$tools/command/release"
echo "$tools/command" >> "${GITHUB_PATH:?is set by the runner}"

#!/usr/bin/env bash
# Put the packages that this commit of the release system pins outside the released repository, with
# the command `release`. The first argument has the words of a stage: most need only a part of the packages.
# It uses only the lock files. No action chooses uv's version, and nothing comes from a cache that
# another run could have written.
set -euo pipefail

system=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../.." && pwd)
tools=${RUNNER_TEMP:?is set by the runner}/release-tools
words=${1:-}

case "${words%% *}" in
  # These build, sign, upload or try out packages. Without a stage, any verb may follow.
  "" | dists | rebuild | attest | publish-package | scorecard | verify) lock=requirements/release.txt ;;
  *) lock=requirements/jobs.txt ;;
esac

# uv makes an environment in less time than `python3 -m venv`, which puts pip into it.
rm -rf -- "$tools"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --require-hashes --target "$tools/uv" -r "$system/requirements/bootstrap.txt"
"$tools/uv/bin/uv" venv --quiet --no-project --no-python-downloads --python python3 "$tools/environment"
python=$tools/environment/bin/python
"$tools/uv/bin/uv" pip sync --quiet --python "$python" --require-hashes "$system/$lock"

# The folder has only this command, so that the environment's other programs stay off the PATH.
mkdir "$tools/command"
{
  printf '#!/usr/bin/env bash\n'
  # -P: do not import `scripts` from the current folder.
  printf 'PYTHONPATH=%q exec %q -P -m scripts "$@"\n' "$system" "$python"
} > "$tools/command/release"
chmod +x "$tools/command/release"
echo "$tools/command" >> "${GITHUB_PATH:?is set by the runner}"

#!/usr/bin/env bash
# What the Dockerfiles' build stages do, in one place. Everything ends with `settle`: the same modes and
# times whatever the machine, so that the same content is the same layer.
set -euo pipefail

# Third-party packages of the target platform, by their wheels' hashes, without running anything of them.
packages() {
  local platform requirements=$2 target=$3 budget=$4
  case $1 in
    amd64) platform=x86_64-manylinux_2_28 ;;
    arm64) platform=aarch64-manylinux_2_28 ;;
    *) echo "image.sh: no wheels are known for the platform $1" >&2; exit 2 ;;
  esac
  uv pip install --quiet --python-platform "$platform" --python-version 3.13 --only-binary :all: \
    --require-hashes --target "$target" -r "$requirements"
  # The packages' own tests are a tenth of the image and never run here.
  find "$target" -depth -type d -name tests -path '*/site/*/tests' \
    \( -path '*/numpy/*' -o -path '*/scipy/*' -o -path '*/sklearn/*' -o -path '*/pandas/*' -o -path '*/pyarrow/*' \) \
    -exec rm -r {} +
  rm -f "$target/.lock"
  compile "$target"
  within "$budget" "$target"
  settle /out
}

# The project: its wheel unpacked (it is pure Python: installing it is unpacking it), and its service.
application() {
  unpack "$1" "$2"
  compile "$2"
  mkdir -p /volume/data
  settle /out /volume
}

# MediaPipe's pose detector with the smallest of its models, for processors with SIMD (every browser since 2023).
detector() {
  local file
  mkdir -p "$2"
  for file in pose.js pose_web.binarypb pose_landmark_lite.tflite pose_solution_packed_assets.data \
    pose_solution_packed_assets_loader.js pose_solution_simd_wasm_bin.js pose_solution_simd_wasm_bin.wasm; do
    cp "$1/$file" "$2/"
  done
  # Its license, which must come with it and is not in its package, as `packaging` ships it.
  python3 - "$2" <<'PYTHON'
import shutil, sys
from importlib.metadata import files
(text,) = (file for file in files("packaging") if file.name == "LICENSE.APACHE")
shutil.copy(text.locate(), sys.argv[1])
PYTHON
}

# The page, which says the version of the wheel that it was released with, and where its detector is.
site() {
  unpack "$1" /tmp/wheel
  PYTHONPATH=/tmp/wheel python3 - "$2" <<'PYTHON'
import json, sys
from importlib.metadata import version
from pathlib import Path
text = json.dumps({"version": version("stream_pose_ml"), "detector": "detector"}) + "\n"
Path(sys.argv[1], "version.json").write_text(text)
PYTHON
  within 14 "$2"
  settle /out
}

unpack() {
  local wheels=("$1"/*.whl)
  if [[ ${#wheels[@]} -ne 1 || ! -f ${wheels[0]} ]]; then
    echo "image.sh: expected one wheel, found: ${wheels[*]}" >&2
    exit 1
  fi
  python3 -m zipfile -e "${wheels[0]}" "$2"
}

# Bytecode that is checked by its source's hash: with times it would differ from build to build. A process
# for each package, its files in the order of their names: what a process compiled before shows in the bytes.
compile() {
  find "$1" -mindepth 1 -maxdepth 1 ! -name '*.dist-info' -print0 | sort --zero-terminated |
    PYTHONHASHSEED=0 xargs --null --max-args=1 --max-procs="$(nproc)" \
      python3 -m compileall -q -j 1 --invalidation-mode checked-hash
}

# An image that outgrows its budget (docs/streampose.md) fails here, not at its users'.
within() {
  local found
  found=$(du -sm --apparent-size "$2" | cut -f1)
  echo "$2: $found MB of $1 MB"
  [[ $found -le $1 ]] || { echo "image.sh: over budget: see docs/streampose.md" >&2; exit 1; }
}

settle() {
  chmod -R u=rwX,go=rX "$@"
  find "$@" -exec touch --no-dereference --date=@315532800 {} +
}

"$@"

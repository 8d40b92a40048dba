"""Local stand-ins for the marketplace actions that the workflows use.

Each folder `owner/name` holds an `action.yml` with the inputs and outputs of the real action and
one line that calls a module of this package. act copies the folder for every step, so it has no
other files. The modules use only the standard library: they run on the machine's Python, as a
runner's actions run on the runner's Node, and never inside the project's environment.

What they get besides their inputs, by environment: `REHEARSAL_RUN` (the run's folder, where
artifacts are kept), `REHEARSAL_ROOT` (this package's parent), `REHEARSAL_PYTHON`
(a program), `REHEARSAL_BUILDER` (the builder's name).
"""

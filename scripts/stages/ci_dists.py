"""Build and check the dists of HEAD as a release does, for the version that HEAD says."""

import shutil
from datetime import UTC, datetime

from scripts.core import codec, planning, version
from scripts.core.converge import Outcome
from scripts.core.planning import Base, Product
from scripts.core.results import Done
from scripts.release import checkout
from scripts.release.context import Context
from scripts.stages import dists


def run(context: Context) -> Done:
    """Put the files into `release/out/dist`. They do not contain uncommitted changes."""
    commit = context.git.run("rev-parse", "HEAD")
    config = context.config_at(commit)
    seconds = int(context.git.run("show", "--no-patch", "--format=%ct", "--end-of-options", commit))
    day = datetime.fromtimestamp(seconds, UTC).date().isoformat()
    product = Product(config.project, config.author, config.package is not None, ())
    base = Base(commit, None, day, seconds)
    said = version.current(config.version) if config.version else version.BEFORE_ANY
    plan = planning.decide(product, said, base, {})
    context.inputs.mkdir(parents=True, exist_ok=True)
    (context.inputs / "plan.json").write_text(codec.encode(plan), "utf-8")
    folder = context.outputs / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    dists.prove(context, checkout.at(context, commit), folder)
    files = sorted(folder.iterdir())
    context.console.say("\n".join(map(str, files)), files=files)
    return Done((Outcome("dists", ", ".join(plan.dists), written=True),))

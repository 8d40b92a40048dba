"""A world on your own machine where release.yml runs unchanged."""

import os

COMMAND = os.environ.get("REHEARSAL_COMMAND", "python -m rehearsal")
"""What a person types to run it. The verb `rehearse` of the release sets it to itself."""

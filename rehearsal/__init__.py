"""A world on your own machine where release.yml runs unchanged."""

COMMAND = "python -m rehearsal"
"""What a person types to run it. The verb `rehearse` of the release puts itself there."""

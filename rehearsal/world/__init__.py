"""The services of a rehearsal: remote, index, registry, engine and builder."""

"""Code that the stages share about one release: configuration, start, attempt, surfaces."""

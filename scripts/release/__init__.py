"""What the stages share about one release: configuration, start, attempt, surfaces."""

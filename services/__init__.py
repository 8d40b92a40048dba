"""What the images run, and the check of all three together."""

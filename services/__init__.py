"""The programs of the images, and the check of all three together."""

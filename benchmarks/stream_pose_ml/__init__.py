"""How fast StreamPoseML itself is."""

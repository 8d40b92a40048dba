"""StreamPoseML: real-time classification of human movement from pose landmarks."""

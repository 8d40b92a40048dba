"""The API: labels for recordings and for live streams of frames."""

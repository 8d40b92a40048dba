"""The places a release is seen in, a module each: observe what is there, apply what is missing."""

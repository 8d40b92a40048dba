"""The places a release is seen in, one module each: observe what is there, apply what is missing."""

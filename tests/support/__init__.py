"""What the tests of the release scripts share: real git, the GitHub service, a small index."""

"""Stand-in for actions/cache: a key that nobody saved. The machine has caches of its own."""

from rehearsal.actions.toolkit import StandInError, given, output, run


def main() -> None:
    """Find nothing, and keep nothing at the end of the job."""
    if not (given("path") and given("key")):
        raise StandInError("Input required and not supplied: path and key")
    if given("fail-on-cache-miss") == "true":
        raise StandInError(f"nothing is kept for {given('key')}, and fail-on-cache-miss is set")
    output("cache-hit", "")
    print(f"nothing is kept for {given('key')}")


if __name__ == "__main__":
    run(main)

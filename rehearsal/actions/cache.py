"""Stand-in for actions/cache: it never has the key. The machine has its own caches."""

from rehearsal.actions.toolkit import StandInError, given, output, run


def main() -> None:
    """Report a miss, and do not save anything at the end of the job."""
    if not (given("path") and given("key")):
        raise StandInError("Input required and not supplied: path and key")
    if given("fail-on-cache-miss") == "true":
        raise StandInError(f"there is no cache for {given('key')}, and fail-on-cache-miss is set")
    output("cache-hit", "")
    print(f"there is no cache for {given('key')}")


if __name__ == "__main__":
    run(main)

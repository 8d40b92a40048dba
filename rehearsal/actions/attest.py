"""Stand-in for actions/attest: attestations are signed by GitHub's own service, not here."""

from rehearsal.actions.toolkit import given, notice, run


def main() -> None:
    """Say that nothing was attested."""
    subject = given("subject-path") or given("subject-name") or given("subject-checksums")
    notice(f"not attested here: {' '.join(subject.split())}")


if __name__ == "__main__":
    run(main)

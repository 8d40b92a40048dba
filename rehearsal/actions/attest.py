"""Stand-in for actions/attest: only GitHub's own service signs attestations."""

from rehearsal.actions.toolkit import given, notice, run


def main() -> None:
    """Report that there is no attestation here."""
    subject = given("subject-path") or given("subject-name") or given("subject-checksums")
    notice(f"not attested here: {' '.join(subject.split())}")


if __name__ == "__main__":
    run(main)

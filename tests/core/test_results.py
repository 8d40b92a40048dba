"""A result is a file of its own for each job and leg, and reads back."""

from scripts.core import codec
from scripts.core.converge import Outcome
from scripts.core.results import Failure, Result


def test_a_result_reads_back() -> None:
    result = Result(
        job="image",
        leg="api-amd64",
        started=1.5,
        finished=2.0,
        outcomes=(Outcome("image", "sha256:…", written=True),),
        facts={"digest": "sha256:…"},
        failure=Failure("it broke\nthere", "mend it", "CheckError"),
    )
    assert codec.decode(Result, codec.encode(result), "x.json") == result
    assert result.name == "image-api-amd64"


def test_a_job_without_legs_is_named_by_itself() -> None:
    assert Result("plan", "", 1.0, 2.0, (), {}, None).name == "plan"

"""`make mutate-workflows`: plant small faults in the workflows, and see which are refused."""

import sys

from tests.workflows.judging import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m cluster` and the console script `basketry` are the same."""

from cluster.cli import main

if __name__ == "__main__":
    main()

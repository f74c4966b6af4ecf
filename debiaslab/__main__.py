"""``python -m debiaslab``."""

from debiaslab.cli import main

if __name__ == "__main__":
    raise SystemExit(main())

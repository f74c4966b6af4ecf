"""What the scorecard measures: one file a group of metrics, each with ``records(…)``."""

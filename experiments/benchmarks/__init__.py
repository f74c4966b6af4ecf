"""Benchmarks against the bar: `make bench`. What is measured and how: NOTES.md."""

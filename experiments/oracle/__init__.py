"""Other people's programs as an oracle: `make oracle`, which writes benchmarks/ORACLE.md."""

"""What `benchmarks/saga.py` measures, and how. A package, so that `make bench` runs none of it."""

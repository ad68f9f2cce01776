"""What `benchmarks/schedules.py` measures, and how."""

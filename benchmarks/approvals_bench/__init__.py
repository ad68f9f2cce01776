"""What `benchmarks/approvals.py` measures, and how."""

"""A scheduled sync: each run copies what changed in its own window, and nothing twice."""

"""Runs a process under every combination of faults that could happen to it."""

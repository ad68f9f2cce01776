"""The schedule ledger: what became of every due time, kept by a monitor of ours.

It runs in a worker of ours (`musterwerk.worker`) and keeps its rows in the store.
"""

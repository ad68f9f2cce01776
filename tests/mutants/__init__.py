"""Order sagas with one bug each, and the same sagas without it.

What looks for faults in a process is held to these: it has to find every bug of `MUTANTS`, and to
be silent about everything in `CORRECT`. `catalogue.py` is the table.
"""

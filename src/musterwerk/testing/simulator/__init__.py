"""Temporal workflows in this process: worker, core and server in one, in virtual time."""

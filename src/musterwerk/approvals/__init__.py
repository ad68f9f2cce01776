"""Approvals: people decide, in time or not, and the workflow goes on with what they said."""

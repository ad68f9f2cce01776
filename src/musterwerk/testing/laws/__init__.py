"""The laws of a step and its undo, tried on a user's own activities."""

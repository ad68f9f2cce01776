"""A payment above an amount: two people release it, or the money goes back where it was."""

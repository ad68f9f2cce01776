"""Payment: charges, refunds of what was captured, and a double-entry ledger of both."""

"""A background check: whoever checks asks back, and answers with a report, not with yes or no."""

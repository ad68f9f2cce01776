"""A scheduled report: a day, a month or the time since the last one, mailed once per due time."""

"""What Temporal notes of each run that a schedule has started. Loads nothing: workflows do, too."""

from __future__ import annotations

from temporalio.common import SearchAttributeKey

STARTED_BY = SearchAttributeKey.for_keyword("TemporalScheduledById")
#: Without jitter; of a run triggered by hand when that was.
DUE = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")

"""When a request's clock does something, in office hours and with holidays where a policy says so.

`planning.py` makes the timeline of a level, `working_time.py` counts the hours, `regions.py` knows
public holidays and time zones. These read files and differ from machine to machine: they run in an
activity or beside a workflow, never inside, and the workflow keeps the timeline it was given. A new
thing that a `Policy` can have happen in time is planned in `planning.py`; what `clock.py` does when
it is due is a rule.
"""

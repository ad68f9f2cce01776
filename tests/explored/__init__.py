"""Our own processes under every set of faults that `explore` knows.

`services.py` and `office.py` are worlds in memory; `test_services.py` and `test_office.py` hold
them to what the real services and the real database do.

`sagas.py` has a saga for each option, `promises.py` what the option promises, `accounts.py` their
worlds.
"""

"""Where dead letters of sagas arrive: they are kept, people are alerted, and it is kept how
they were settled.

`Saga(dead_letters_to="musterwerk")` sends them here. `musterwerk.worker` runs it; needs
`pip install "musterwerk[worker]"`. A saga works without any of this.
"""

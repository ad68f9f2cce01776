"""What people are told of a request, by mail and to webhooks; it runs in a worker of ours.

The rules write a notice (`state.Notice`), the database keeps it, and `sending.py` looks for it.
`post.py` opens it: `recipients.py` says whom it concerns by now, `wording.py` what each of them
reads. A new event or language gets its words in `phrases.py`; what others wrote is made harmless
in `rendering.py`; how a mail looks is in `layout.py`. Another way to reach people belongs to
`musterwerk.notify`, and is picked in `post.py`.
"""

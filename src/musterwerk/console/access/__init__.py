"""The door: who is calling, from a browser. Passwords, cookies, forms that are really ours.

What comes with a bearer token has its own door in `console/auth.py`.
"""

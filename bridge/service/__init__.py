"""``emsync service``: the daemon starts when you log in."""

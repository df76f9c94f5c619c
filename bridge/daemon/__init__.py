"""``emsync serve``: one engine behind OSC and HTTP, with a queue that outlives crashes."""

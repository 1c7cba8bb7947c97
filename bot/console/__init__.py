"""The moderators' console: a web application of its own, on a port of its own, over the transcript store."""

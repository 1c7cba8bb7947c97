"""The signpost's decisions: a situation in, a question or an advice out. Pure Python over ``content/``."""

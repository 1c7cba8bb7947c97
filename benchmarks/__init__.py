"""Measurements: the bot beside the example bot of Rasa, and the reading of one message by itself."""

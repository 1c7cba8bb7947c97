"""Wegwijzer: a signpost for bullied young people, on Rasa Open Source."""

from bot.runtime import tensorflow_free

tensorflow_free.install()

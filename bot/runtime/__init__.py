"""Running Rasa: settings, the TensorFlow stand-in, in-process actions, health."""

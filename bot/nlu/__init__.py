"""Understanding: Rasa graph components for Dutch chat text, facets of a situation and crisis."""

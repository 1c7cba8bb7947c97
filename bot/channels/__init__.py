"""How people reach the bot: the web channel with its widget."""

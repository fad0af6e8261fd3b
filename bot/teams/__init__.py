"""Microsoft Teams: who may speak to us, what they said, and how we answer."""

"""A service of the user's: the daemon, started with every login by whatever the system has for that."""

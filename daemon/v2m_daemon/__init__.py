"""The command line, and the processes that serve it: everything between the user and the library."""

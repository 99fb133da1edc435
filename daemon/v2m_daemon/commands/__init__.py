"""One module a command of `v2m`: each has `run(arguments) -> exit code`."""

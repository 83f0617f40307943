"""The shell around the core: Ray session, tasks, fan-out, one run, the command line."""

"""Many stores together: which there are, how each is run, and what a fleet came to."""

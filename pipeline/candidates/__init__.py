"""Where sets of products come from: one source a file, one signature; the ladder; cold start."""

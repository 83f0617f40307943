"""The run as one self-contained page of tables and plots."""

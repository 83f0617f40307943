"""The core: plain functions over frozen values and arrays. No Ray, network, database or clock."""

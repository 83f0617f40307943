"""Runs, combos, bundles and rejections, kept in SQL."""

"""Typed settings that compose each phase's own, and the sample store."""

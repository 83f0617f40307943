"""Stores and fakes that several tests share."""

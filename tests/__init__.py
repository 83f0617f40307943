"""Tests: unit mirrors pipeline; support holds the stores and fakes that several tests share."""

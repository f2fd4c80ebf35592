"""Tests of bench/scaling."""

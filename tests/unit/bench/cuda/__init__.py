"""Tests of bench/cuda."""

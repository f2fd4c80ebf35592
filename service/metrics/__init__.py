"""Metrics in Prometheus' terms: of one process, and of many as one."""

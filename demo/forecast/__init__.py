"""The rows of a series to a served network, and its forecasts against what came."""

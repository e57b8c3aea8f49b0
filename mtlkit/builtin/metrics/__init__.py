"""Metrics as functions from predictions to `Measure`; heads choose theirs."""

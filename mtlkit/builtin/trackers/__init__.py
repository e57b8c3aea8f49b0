"""Consumers of events: the event log, TensorBoard, the console."""

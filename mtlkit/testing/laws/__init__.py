"""The laws, a file for each kind of plugin and some for all kinds."""

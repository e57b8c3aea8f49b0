"""The plugins that mtlkit ships, through the same door as anybody's."""

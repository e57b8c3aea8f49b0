"""What third parties test their own plugins with."""

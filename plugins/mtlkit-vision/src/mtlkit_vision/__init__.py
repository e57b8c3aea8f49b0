"""Images for mtlkit: vision encoders as backbones, and folders of images as data."""

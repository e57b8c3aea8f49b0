"""Export of a trained model: folders that other libraries load, each compared before it counts as written."""

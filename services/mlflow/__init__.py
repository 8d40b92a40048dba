"""MLflow: the tracking server and registry, and the current model served."""

"""The motifs the sandboxes draw: settings, subjects, and the light, colour and canvas they share."""

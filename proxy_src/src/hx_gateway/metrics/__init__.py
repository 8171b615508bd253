"""What the gateway measures, in Prometheus' words, and the listener that shows it."""

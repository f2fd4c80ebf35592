"""What OpenTelemetry is told of calls: nothing else imports it, and this only where it is on."""

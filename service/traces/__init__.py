"""What OpenTelemetry is told of calls; nothing else imports it."""

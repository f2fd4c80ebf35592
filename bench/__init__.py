"""Speed as ratios: the service against its floors, measured in pairs within one run."""

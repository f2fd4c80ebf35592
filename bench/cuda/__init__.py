"""The device path against its floors: what a step costs where the states stay on the device."""

"""Which cell for a task: networks of equal size, trained, scored and served side by side."""

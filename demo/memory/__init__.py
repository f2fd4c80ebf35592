"""Long memory: the adding problem and delayed copy, answered by served networks."""

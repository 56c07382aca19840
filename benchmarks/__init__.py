"""Speed and memory, side by side with peers; nothing here is timed in the tests."""

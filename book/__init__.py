"""What turns chapters into pages and notebooks."""

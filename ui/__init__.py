"""The surfaces of citewire: command line, settings, logs, page. Knows terminals and HTTP, not answering."""

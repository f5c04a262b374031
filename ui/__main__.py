"""`python -m citewire.ui` is the `citewire` command."""

from citewire.ui.cli import main

if __name__ == "__main__":
    main()

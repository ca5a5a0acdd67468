"""What every host of every example would get, as files: reviewed, and a change shows as a diff."""

"""The figures that the README quotes, each against its limit or its peer in the same run. Run by `bin/bench`."""

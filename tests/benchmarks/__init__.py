"""The figures of docs/reference/figures.md, each against its limit or its peer in the same run. Run by `bin/bench`."""

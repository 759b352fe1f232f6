"""A copy of each app's code repository on Berth's own disk, for reading: reviews, checks and history come from it."""

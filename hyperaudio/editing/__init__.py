"""The edit itself: where it goes, how the new voice is fitted into the old one's place, and what stays."""

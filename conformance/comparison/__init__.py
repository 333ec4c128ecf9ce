"""A user's own model beside its port: where they first differ, whether that is rounding, and why."""

"""What people, disks and clouds may hand to amlwizard, made by hypothesis: `make fuzz`.

A property is one of `PROPERTIES` of a module here: for any of it, a command ends with a sentence and
the right exit code. `tests/unit/test_fuzz.py` runs a small slice that is the same every time.
"""

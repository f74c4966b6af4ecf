"""Everything that a run or a study can be told: an option is one field of one class, here.

Type, limits, default and help of an option, its key in a study file and its name on the command
line are those of its field. Nothing here imports more than pydantic, so that help is quick.
"""

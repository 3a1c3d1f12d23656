"""Mappings of webhooks: a YAML file that says which events a body holds, and where their parts are.

`reader` reads a file and finds its mistakes, `mapping` makes events, `values` finds a value, `paths` a place in a body.
"""

"""Commands about requests on a server: submit, get, list, explain, what-if, watch, export."""

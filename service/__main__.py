"""`python -m service` is `stepwire serve`."""

from service.command import serve

serve(prog_name="python -m service")

"""Real server processes, and a proxy that breaks connections to them."""

from torture.processes import Server as Server
from torture.processes import running as running
from torture.proxy import Proxy as Proxy
from torture.proxy import proxied as proxied

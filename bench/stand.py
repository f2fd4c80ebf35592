"""The servers of one part of the benchmark: side by side on one core, over one repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import conversations, echo, package
from bench.arithmetic import Arithmetic
from bench.machine import Cores
from bench.package import Network
from bench.process import READY, Server


class Stand:
    """Starts what it is asked for. All of it raises ServerFailed."""

    def __init__(self, cores: Cores, folder: Path, stack: ExitStack) -> None:
        self.cores = cores
        self.folder = folder
        self._stack = stack
        self._models: dict[str, Path] = {}
        self._started = 0

    def service(self, *networks: Network, options: tuple[str, ...] = ()) -> Server:
        """The service, with these models at least."""
        for network in networks:
            self._model(network)
        listen = ("--listen", "127.0.0.1:0", "--repository", str(self.folder / "repository"))
        return self._server("service", *listen, *options, ready=READY)

    def echo(self, network: Network) -> Server:
        """The floor of the transport, with answers as long as this model's."""
        size = str(conversations.answer_bytes(network))
        return self._server("bench.echo", size, ready=echo.READY)

    def triton_echo(self, network: Network, *, runs: bool = False) -> Server:
        """The floor of Triton's protocol; `runs`: that of a server which runs the model, too."""
        arguments = [network.name, str(network.features), str(network.hidden)]
        if runs:
            arguments.append(str(self._model(network)))
        return self._server("bench.triton_echo", *arguments, ready=echo.READY)

    def inline(self, network: Network) -> Server:
        """The floor of a lone step."""
        return self._server("bench.inline", str(self._model(network)), ready=echo.READY)

    def arithmetic(self, network: Network) -> Arithmetic:
        """The floor of the arithmetic."""
        model, log = self._model(network), self._log("arithmetic")
        started = Arithmetic(model, core=self.cores.server, log=log)
        self._stack.callback(started.stop)
        return started

    def at_end(self, stop: Callable[[], object]) -> None:
        """Is called once all servers that are started later have stopped."""
        self._stack.callback(stop)

    def _server(self, module: str, *arguments: str, ready: str) -> Server:
        started = Server(
            module, arguments, ready=ready, core=self.cores.server, log=self._log(module)
        )
        self._stack.callback(started.stop)
        return started

    def _model(self, network: Network) -> Path:
        if network.name not in self._models:
            self._models[network.name] = package.write(self.folder / "repository", network)
        return self._models[network.name]

    def _log(self, name: str) -> Path:
        self._started += 1
        return self.folder / f"{name}-{self._started}.log"


@contextmanager
def stand(cores: Cores) -> Iterator[Stand]:
    """Whatever it has started is stopped at the end."""
    with TemporaryDirectory(prefix="stepwire-bench-") as folder, ExitStack() as stack:
        yield Stand(cores, Path(folder), stack)

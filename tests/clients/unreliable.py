"""A network between a program and its servers that loses answers."""

import re
import socket
import threading


class Unreliable:
    """Forwards one request of each client connection: to the next address of `route`, at its end to the last one.

    The answers with the numbers in `lost` are read whole and dropped: the request arrives, the answer does not.
    """

    def __init__(self, route: list[str], lost: set[int]):
        self._route, self._lost = route, lost
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.forwarded = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            number, self.forwarded = self.forwarded, self.forwarded + 1
            threading.Thread(target=self._forward, args=(client, number), daemon=True).start()

    def _forward(self, client: socket.socket, number: int) -> None:
        host, port = self._route[min(number, len(self._route) - 1)].split(":")
        with client, socket.create_connection((host, int(port))) as server:
            threading.Thread(target=_copy, args=(client, server), daemon=True).start()
            answer = _answer(server)
            if number not in self._lost:
                client.sendall(answer)
            # Closing alone sends nothing while the other thread still reads.
            client.shutdown(socket.SHUT_RDWR)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass  # The answer has arrived, and both ends are closed.


def _answer(source: socket.socket) -> bytes:
    """One whole answer, by its Content-Length."""
    answer = b""
    while data := source.recv(65536):
        answer += data
        head, _, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
        if length and len(body) >= int(length[1]):
            break
    return answer

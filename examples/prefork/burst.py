#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks for one page many times at once: opens all connections, then sends a request on each, then reads the answers.

    burst.py URL REQUESTS

Prints how many answers were 200 with the very same page, and the milliseconds from the first request to the last answer. Exit status 0 when all were.
"""
import resource
import socket
import sys
import time
import urllib.parse


def answer_of(connection):
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    head, _, page = b"".join(parts).partition(b"\r\n\r\n")
    return head.partition(b"\r\n")[0].split(b" ")[1:2] == [b"200"], page


def main():
    url, requests = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[2])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    request = f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n".encode()

    connections = [socket.create_connection((url.hostname, url.port), timeout=60) for _ in range(requests)]
    begin = time.monotonic()
    for connection in connections:
        connection.sendall(request)
    answers = [answer_of(connection) for connection in connections]
    elapsed = time.monotonic() - begin

    good = sum(ok and page == answers[0][1] for ok, page in answers)
    print(good, round(elapsed * 1000))
    return 0 if good == requests else 1


if __name__ == "__main__":
    sys.exit(main())

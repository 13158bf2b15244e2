# SPDX-License-Identifier: MIT
"""How each peer is started, asked and stopped. All of them live in one temporary folder in /dev/shm, listen on unix sockets there, and are
ended by their pid; one whose starter is killed gets a SIGTERM from the kernel."""
import contextlib
import grp
import http.client
import json
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
KEY_BYTES = 17


class Absent(Exception):
    """This peer cannot be here; the text says why."""


class Failed(Exception):
    """It could, and went wrong."""


class Child:
    """A process of ours, its output in a file of the folder."""

    def __init__(self, folder, name, command, **options):
        self.log = os.path.join(folder, name + ".log")
        with open(self.log, "wb") as log:
            options.setdefault("stdout", log)
            # A session of its own, so that Ctrl-C is ours to handle, and what it forked can be ended with it.
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", *command], stderr=log, start_new_session=True,
                                            **options)

    def said(self):
        with open(self.log, errors="replace") as log:
            return log.read().strip()[-500:]

    def stop(self):
        """What reads lines ends with its input, and waits for its own workers; the others at a SIGTERM; whatever remains is killed."""
        steps = [self.process.terminate]
        if self.process.stdin:
            steps.insert(0, self.process.stdin.close)
        for step in steps:
            if self.process.poll() is None:
                step()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(3)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def wait_for_socket(child, path, timeout=20):
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if child.process.poll() is not None:
            raise Failed(f"ended with status {child.process.returncode}: {child.said()}")
        try:
            with socket.socket(socket.AF_UNIX) as attempt:
                attempt.connect(path)
                return
        except OSError:
            time.sleep(0.02)
    raise Failed(f"does not listen: {child.said()}")


class Host:
    """A filled peer. `launch` starts filling, `wait_ready` waits for the end of that; then `ask` as often as you like; `stop`, always."""

    def __init__(self, name, settings):
        self.name = name
        self.settings = settings
        self.folder = os.path.join(settings.folder, f"{name}-{settings.value_bytes}")
        os.mkdir(self.folder)
        self.children = []

    def child(self, name, command, **options):
        self.children.append(Child(self.folder, name, command, **options))
        return self.children[-1]

    def stop(self):
        for child in reversed(self.children):
            child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class LineHost(Host):
    """A program that reads "get_zipf 2" and answers with a line of JSON."""

    def command(self):
        return [self.settings.program, "--peer", self.name, "--items", str(self.settings.items),
                "--value-bytes", str(self.settings.value_bytes), "--seconds", str(self.settings.seconds), "--place", self.place()]

    def place(self):
        return self.folder

    def launch(self):
        self.client = self.child("client", self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pending = b""

    def wait_ready(self):
        answer = self.read_line(300)
        if "ready" not in answer:
            raise Failed(f"said {answer}")

    def ask(self, workload, workers):
        try:
            self.client.process.stdin.write(f"{workload} {workers}\n".encode())
            self.client.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.read_line(30 + 20 * self.settings.seconds)

    def read_line(self, timeout):
        out = self.client.process.stdout.fileno()
        until = time.monotonic() + timeout
        while b"\n" not in self.pending:
            ready, _, _ = select.select([out], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise Failed(f"no answer within {timeout:.0f} s")
            piece = os.read(out, 1 << 16)
            if not piece:
                status = self.client.process.wait()
                if status == 77:
                    raise Absent(self.client.said())
                raise Failed(f"ended with status {status}: {self.client.said()}")
            self.pending += piece
        line, self.pending = self.pending.split(b"\n", 1)
        return json.loads(line)


def mebibytes(settings, factor):
    return int(settings.items * (KEY_BYTES + settings.value_bytes + 100) * factor / (1 << 20)) + 64


class Memcached(LineHost):
    def place(self):
        return os.path.join(self.folder, "socket")

    def launch(self):
        program = find_program("memcached", self.settings)
        user = pwd.getpwuid(os.getuid()).pw_name
        daemon = self.child("memcached", [program, "-u", user, "-s", self.place(), "-a", "0700", "-m", str(mebibytes(self.settings, 3)),
                                          "-I", "4m"])
        wait_for_socket(daemon, self.place())
        super().launch()


class Redis(LineHost):
    def place(self):
        return os.path.join(self.folder, "socket")

    def launch(self):
        program = find_program("redis-server", self.settings)
        if not program:  # Debian's server is this very program by another name, and that package would start a service
            program = os.path.join(self.folder, "redis-server")
            os.symlink(shutil.which("redis-check-rdb"), program)
        daemon = self.child("redis", [program, "--port", "0", "--unixsocket", self.place(), "--save", "", "--appendonly", "no",
                                      "--dir", self.folder])
        wait_for_socket(daemon, self.place())
        super().launch()


class Apcu(LineHost):
    def command(self):
        return ["php", "-d", "apc.enabled=1", "-d", "apc.enable_cli=1", "-d", f"apc.shm_size={mebibytes(self.settings, 2)}M",
                "-d", f"apc.entries_hint={self.settings.items}", "-d", "memory_limit=-1", os.path.join(HERE, "hosts", "apcu.php"),
                str(self.settings.items), str(self.settings.value_bytes), str(self.settings.seconds)]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class WebHost(Host):
    """A web server with two workers that measures within a request. What two workers do is two requests: the first worker waits in its own
    for the time to start, so the other one is the second worker's."""

    def socket_path(self):
        return os.path.join(self.folder, "socket")

    def wait_ready(self):
        wait_for_socket(self.server, self.socket_path())
        error = self.request("fill", 0, 300).get("error", "no answer")
        workers = len(self.settings.cores)
        for walk in self.together("walk", workers, 0.5, 300) if not error else []:
            error = error or walk["error"]
        if error:
            raise Failed(error)

    def request(self, workload, start, timeout):
        connection = UnixConnection(self.socket_path(), timeout)
        try:
            connection.request("GET", f"/{workload}?items={self.settings.items}&value_bytes={self.settings.value_bytes}"
                                      f"&seconds={self.settings.seconds}&start={start:.6f}")
            answer = connection.getresponse().read()
            return json.loads(answer)
        except (OSError, ValueError, http.client.HTTPException) as error:
            return {"error": f"{error}: {self.server.said()}"}
        finally:
            connection.close()

    def together(self, workload, workers, lead, timeout):
        start = time.time() + lead
        answers = [None] * workers

        def run(worker):
            answers[worker] = self.request(workload, start, timeout)

        threads = [threading.Thread(target=run, args=(worker,)) for worker in range(workers)]
        for thread in threads:
            thread.start()
            time.sleep(lead / 5)  # so that the first is in its worker's hands before the second comes
        for thread in threads:
            thread.join()
        return answers

    def ask(self, workload, workers):
        sum_up = {"peer": self.name, "workload": workload, "workers": workers, "crew": "processes"}
        for lead in (0.05, 0.2, 0.8, 3.2):
            answers = self.together(workload, workers, lead, 30 + 20 * self.settings.seconds)
            failed = next((answer["error"] for answer in answers if answer.get("error")), None)
            if failed:
                raise Failed(failed)
            if "absent" in answers[0]:
                return {**sum_up, "absent": answers[0]["absent"]}
            if any("late" in answer for answer in answers):
                continue  # a loaded machine, or one worker got both
            if len({answer["worker"] for answer in answers}) == workers:
                break
        else:
            raise Failed("its workers never ran at the same time")
        for count in ("gets", "hits", "sets", "refused", "wrong"):
            sum_up[count] = sum(answer[count] for answer in answers)
        return {**sum_up, "ns_each": sum(answer["ns_each"] for answer in answers) / workers}


class Nginx(WebHost):
    def launch(self):
        unpacked = self.settings.unpacked
        modules = next(path for path in (os.path.join(unpacked, "usr/lib/nginx/modules"), "/usr/lib/nginx/modules") if os.path.isdir(path))
        masks = [format(1 << core, "b") for core in self.settings.cores]
        user = f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};" if os.getuid() == 0 else ""
        with open(os.path.join(self.folder, "nginx.conf"), "w") as conf:
            conf.write(f"""
daemon off;
{user}
pid nginx.pid;
error_log stderr warn;
worker_processes {len(masks)};
worker_cpu_affinity {' '.join(masks)};
load_module {modules}/ndk_http_module.so;
load_module {modules}/ngx_http_lua_module.so;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  lua_package_path "{unpacked}/usr/share/lua/5.1/?.lua;/usr/share/lua/5.1/?.lua;;";
  lua_shared_dict peer {mebibytes(self.settings, 2)}m;
  server {{
    listen unix:{self.socket_path()};
    location / {{ content_by_lua_file {HERE}/hosts/nginx.lua; }}
  }}
}}
""")
        program = find_program("nginx", self.settings)
        self.server = self.child("nginx", [program, "-p", self.folder, "-c", "nginx.conf", "-e", "stderr"])


class Uwsgi(WebHost):
    def launch(self):
        settings = self.settings
        block = max(64, (settings.value_bytes + 63) // 64 * 64)
        items = settings.items + settings.items // 8 + 64
        self.server = self.child("uwsgi", [
            find_program("uwsgi", settings), "--plugin", "python3", "--http-socket", self.socket_path(), "--master", "--die-on-term",
            "--processes", str(len(settings.cores)), "--disable-logging", "--wsgi-file", os.path.join(HERE, "hosts", "uwsgi_app.py"),
            "--cache2", f"name=peer,items={items},hashsize={settings.items},keysize=32,blocksize={block}"])


def find_program(name, settings):
    """Of the system, or of a package that run.sh unpacked, which is then no service of this machine."""
    for folder in ("usr/bin", "usr/sbin"):
        path = os.path.join(settings.unpacked, folder, name)
        if os.access(path, os.X_OK):
            return path
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

"""Files sent and received with pigeonhole-cp, the published Rust client's own tool.

  pigeonhole_cp.py TOOL PROGRAM CONFIG

Started by tests/peers/run, which says what the lines on standard output mean. Each transfer has a
channel of its own and goes both ways of sending: by a copy command, and box by box. What the tool
sends is received by the tool, and by PROGRAM, a build of taubenpost. What PROGRAM sends through
inline channels is received by the tool, twice in a row from each channel.
"""
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

TOOL, PROGRAM, CONFIG = sys.argv[1:4]
BOX = 1549  # payload of a box; with a copy command four bytes less
LIMIT = 120


def run_program(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=LIMIT)
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[1]} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def tool(*arguments):
    return run_program(TOOL, *arguments)


def genkey():
    lines = tool("genkey", "-c", CONFIG).splitlines()
    return [lines[lines.index(line) + 1] for line in lines if line.endswith(":")]


def header_size(name, size):
    """Of the map in front of the content: the shortest CBOR for a name and a length."""
    number = 1 if size < 24 else 2 if size < 256 else 3 if size < 65536 else 5
    return 1 + 5 + 1 + len(name) + 5 + number


def boxes_of(source, copy):
    size = source.stat().st_size
    return -(-(size + header_size(source.name, size)) // (BOX - 4 if copy else BOX))


def send(source, write_cap, index, copy):
    size = source.stat().st_size
    sent = tool("send", "-c", CONFIG, "-w", write_cap, "-i", index, "-f", source,
                *([] if copy else ["--no-copy"]))
    if not sent.startswith(f"sent {size} bytes in "):
        raise AssertionError(f"sending said {sent!r}")
    if not copy and int(sent.split()[4]) != boxes_of(source, copy):
        raise AssertionError(f"sending said {sent!r}")


def expect_files(folder, sources):
    received = {path.name: path.read_bytes() for path in folder.iterdir()}
    if received != {source.name: source.read_bytes() for source in sources}:
        raise AssertionError(f"{folder.name}: other files or bytes: " +
                             str([(name, len(content)) for name, content in received.items()]))


class Taubenpost:
    def __init__(self, folder):
        self.options = ("--json", "--state-dir", folder / "state")
        self.run("init", "--thin-config", CONFIG)

    def run(self, *arguments):
        lines = run_program(PROGRAM, *self.options, *arguments).splitlines()
        return [json.loads(line) for line in lines]


class Recipient(Taubenpost):
    """Has imported the channel."""

    def __init__(self, folder, read_cap, index):
        super().__init__(folder)
        self.into = folder / "taubenpost"
        self.into.mkdir()
        keys = folder / "keys"
        keys.write_text(f"{read_cap}\n{index}\n")
        self.run("channel", "import", "peer", "--foreign-file", keys)

    def receive(self, source):
        jobs = self.run("receive", "--into", self.into)
        told = [(job["name"], job["state"], job["size"], job["unverified"]) for job in jobs]
        if told != [(source.name, "placed", source.stat().st_size, True)]:
            raise AssertionError(f"receiving said {told}")

    def position(self):
        return self.run("channel", "show", "peer")[0]["position"]


def transfer(title, size, copy):
    folder = pathlib.Path(tempfile.mkdtemp(dir="."))
    source = folder / f"{size}.bin"
    source.write_bytes(hashlib.shake_256(title.encode()).digest(size))
    into = folder / "received"
    into.mkdir()
    read_cap, write_cap, index = genkey()
    taubenpost = Recipient(folder, read_cap, index)
    first = taubenpost.position()
    send(source, write_cap, index, copy)
    tool("receive", "-c", CONFIG, "-r", read_cap, "-i", index, "-d", into)
    expect_files(into, [source])
    taubenpost.receive(source)
    expect_files(taubenpost.into, [source])
    if taubenpost.position() != first + boxes_of(source, copy):
        raise AssertionError(f"the channel went on by {taubenpost.position() - first} positions")


def keys_of_next(sender, name, file):
    """What 'channel show' has written for the tool."""
    sender.run("channel", "show", name, "--foreign-file", file)
    lines = file.read_text().splitlines()
    return [lines[lines.index(line) + 1] for line in lines if line.endswith(":")]


def inline_transfer(title, size, copy):
    folder = pathlib.Path(tempfile.mkdtemp(dir="."))
    sender = Taubenpost(folder)
    names = ("anna", "ben")
    for name in names:
        sender.run("channel", "new", name, "--inline")
    way = "copy" if copy else "direct"
    for number in range(2):
        source = folder / f"{number}-{size}.bin"
        source.write_bytes(hashlib.shake_256(f"{title} {number}".encode()).digest(size))
        keys = {name: keys_of_next(sender, name, folder / f"{name}-{number}") for name in names}
        to = [option for name in names for option in ("--to", name)]
        sender.run("send", source, *to, "--transport", way, "--commit", way, "--wait")
        for name, (read_cap, index) in keys.items():
            into = folder / f"received-{name}-{number}"
            into.mkdir()
            tool("receive", "-c", CONFIG, "-r", read_cap, "-i", index, "-d", into)
            expect_files(into, [source])


def say(line):
    print(line + "\n", end="", flush=True)  # in one piece, since transfers run beside each other


def run(case):
    act, title = case[:2]
    try:
        act(*case[1:])
    except Exception as error:
        say(f"FAILED {title}: {error}")
        return False
    say(f"ok {title}")
    return True


def cases():
    for copy in (True, False):
        room = BOX - 4 if copy else BOX
        one_box = room - header_size("1500.bin", 1500)
        how = "copy" if copy else "no-copy"
        for title, size in (("nothing", 0), ("one byte", 1), ("one full box", one_box),
                            ("one byte more", one_box + 1), ("twenty boxes", 20 * room)):
            yield transfer, f"{title} ({how})", size, copy
        way = "copy" if copy else "direct"
        for title, size in (("nothing", 0), ("one byte", 1), ("one full box", BOX - 4),
                            ("one byte more", BOX - 3), ("twenty boxes", 20 * (BOX - 4))):
            yield inline_transfer, f"{title} from taubenpost ({way})", size, copy


if __name__ == "__main__":
    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(run, cases()))
    sys.exit(0 if all(results) else 1)

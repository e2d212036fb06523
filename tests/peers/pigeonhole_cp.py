"""Files sent and received with pigeonhole-cp, the published Rust client's own tool.

  pigeonhole_cp.py TOOL CONFIG

Started by tests/peers/run, which says what the lines on standard output mean. Each transfer has a
channel of its own and goes both ways of sending: by a copy command, and box by box.
"""
import hashlib
import pathlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

TOOL, CONFIG = sys.argv[1], sys.argv[2]
BOX = 1549  # payload of a box; with a copy command four bytes less
LIMIT = 120


def tool(*arguments):
    done = subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=LIMIT)
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def genkey():
    lines = tool("genkey", "-c", CONFIG).splitlines()
    return [lines[lines.index(line) + 1] for line in lines if line.endswith(":")]


def header_size(name, size):
    """Of the map in front of the content: the shortest CBOR for a name and a length."""
    number = 1 if size < 24 else 2 if size < 256 else 3 if size < 65536 else 5
    return 1 + 5 + 1 + len(name) + 5 + number


def transfer(title, size, copy):
    folder = pathlib.Path(tempfile.mkdtemp(dir="."))
    source = folder / f"{size}.bin"
    source.write_bytes(hashlib.shake_256(title.encode()).digest(size))
    into = folder / "received"
    into.mkdir()
    read_cap, write_cap, index = genkey()
    sent = tool("send", "-c", CONFIG, "-w", write_cap, "-i", index, "-f", source,
                *([] if copy else ["--no-copy"]))
    if not sent.startswith(f"sent {size} bytes in "):
        raise AssertionError(f"sending said {sent!r}")
    boxes = int(sent.split()[4])
    if not copy and boxes != -(-(size + header_size(source.name, size)) // BOX):
        raise AssertionError(f"{boxes} boxes were sent")
    tool("receive", "-c", CONFIG, "-r", read_cap, "-i", index, "-d", into)
    received = [(path.name, path.read_bytes()) for path in into.iterdir()]
    if received != [(source.name, source.read_bytes())]:
        raise AssertionError("other files or bytes: " +
                             str([(name, len(content)) for name, content in received]))


def say(line):
    print(line + "\n", end="", flush=True)  # in one piece, since transfers run beside each other


def run(case):
    title = case[0]
    try:
        transfer(*case)
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
            yield f"{title} ({how})", size, copy


if __name__ == "__main__":
    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(run, cases()))
    sys.exit(0 if all(results) else 1)

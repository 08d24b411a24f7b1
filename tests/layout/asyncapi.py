#!/usr/bin/python3
"""deploy/api/topics.asyncapi.yaml says what deploy/topics.conf, proto/*.proto and libcommon/events/dead.h say.
One line an offence."""
import os
import re
import sys
from pathlib import Path

import yaml

os.chdir(Path(__file__).resolve().parents[2])
HERE = Path("deploy/api")
DOCUMENT = yaml.safe_load((HERE / "topics.asyncapi.yaml").read_text())
offences = []


def offence(text):
    offences.append(f"topics.asyncapi.yaml: {text}")


def references(node, path="#"):
    if isinstance(node, dict):
        for name, value in node.items():
            if name in ("$ref", "x-protobuf-file", "x-protobuf-event"):
                yield path, value
            yield from references(value, f"{path}/{name}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from references(value, f"{path}/{number}")


def resolve(node):
    while isinstance(node, dict) and "$ref" in node:
        target = DOCUMENT
        for name in node["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        node = target
    return node


def same(what, here, there, source):
    for name in sorted(set(here) | set(there)):
        if name not in there:
            offence(f"{what} {name} is not in {source}")
        elif name not in here:
            offence(f"{what} {name} of {source} is missing")
        elif here[name] != there[name]:
            offence(f"{what} {name}: {here[name]}, but {source} has {there[name]}")


# every reference leads somewhere
for path, target in references(DOCUMENT):
    try:
        assert (HERE / target).is_file() if not target.startswith("#/") else resolve({"$ref": target}) is not None
    except (AssertionError, KeyError, TypeError):
        offence(f"{path}: {target} does not exist")
if offences:
    sys.exit("\n".join(offences))

# the topics
conf = {}
for line in Path("deploy/topics.conf").read_text().splitlines():
    words = line.split("#")[0].split()
    if words:
        conf[words[0]] = (int(words[1]), int(words[2]) * 3600000, int(words[3]))
described = {}
for channel in DOCUMENT["channels"].values():
    kafka = channel["bindings"]["kafka"]
    described[channel["address"]] = (kafka["partitions"], kafka["topicConfiguration"]["retention.ms"],
                                     kafka["topicConfiguration"]["max.message.bytes"])
same("the topic (partitions, retention.ms, max.message.bytes)", described, conf, "deploy/topics.conf")

# the events: every member of the Envelope's oneof is one message, and the other way round
envelope = Path("proto/envelope.proto").read_text()
event = re.search(r"oneof event \{(.*?)\}", envelope, re.DOTALL)[1]
members = {name: kind for kind, name in re.findall(r"^\s*(\w+) (\w+) = \d+;", event, re.MULTILINE)}
if not members:
    offence("proto/envelope.proto: no member of `oneof event` was found")
messages = {key: resolve(message) for key, message in DOCUMENT["components"]["messages"].items()}
declared = {}
for file in Path("proto").glob("*.proto"):
    for kind in re.findall(r"^message (\w+) \{", file.read_text(), re.MULTILINE):
        declared[kind] = file.name
events = {m["name"]: (Path(m["x-protobuf-event"]).name, m["contentType"], m["payload"]["x-protobuf-file"],
                      m["payload"]["x-protobuf-message"]) for m in messages.values() if "x-protobuf-event" in m}
expected = {name: (declared.get(kind, "no file"), "application/protobuf", "../../proto/envelope.proto", "docket.Envelope")
            for name, kind in members.items()}
same("the event", events, expected, "proto/envelope.proto")
for key, message in messages.items():
    if key != re.sub(r"_(\w)", lambda m: m[1].upper(), message["name"]):
        offence(f"the message {key} is called {message['name']}")
    for part in resolve(message["headers"]).get("allOf", []):
        kind = resolve(part).get("properties", {}).get("ce_type", {}).get("const")
        if kind is not None and kind != f"docket.{message['name']}":
            offence(f"the message {key} has the ce_type {kind}")

# each message belongs to a topic, and its proto file names it
carried = {}
for channel in DOCUMENT["channels"].values():
    for message in channel["messages"].values():
        carried.setdefault(resolve(message)["name"], []).append(channel["address"])
for message in messages.values():
    if message["name"] not in carried:
        offence(f"no topic carries {message['name']}")
    elif "x-protobuf-event" in message:
        said = Path("proto", Path(message["x-protobuf-event"]).name).read_text()
        for topic in carried[message["name"]]:
            if topic not in said.split("syntax")[0]:
                offence(f"{topic} carries {message['name']}, but {Path(message['x-protobuf-event']).name} does not say so")

# the headers of a dead letter
header = Path("libcommon/events/dead.h").read_text()
names = dict.fromkeys(re.findall(r'#define DEAD_HEADER_\w+\s+"(\w+)"', header), "")
if not names:
    offence("libcommon/events/dead.h: no header was found")
written = resolve(messages["deadLetter"]["headers"])["properties"]
same("the header", {name: "" for name in written if name.startswith("docket_")}, names, "libcommon/events/dead.h")
topic = re.search(r'#define DEAD_TOPIC\s+"([\w.]+)"', header)[1]
if carried.get("dead_letter") != [topic]:
    offence(f"dead letters are carried by {carried.get('dead_letter')}, but DEAD_TOPIC is {topic}")

# the operations speak of channels that exist, and every channel is both written and read, but for those read by people
uses = {}
for operation in DOCUMENT["operations"].values():
    uses.setdefault(resolve(operation["channel"])["address"], set()).add(operation["action"])
for address in described:
    if "send" not in uses.get(address, ()):
        offence(f"nobody sends to {address}")

print("\n".join(offences))
sys.exit(1 if offences else 0)

"""Verifies an evidence bundle with Python's library and the `openssl` command (Ed25519): a second reading of docs/ledger.md.

    verify.py KEYS BUNDLE        KEYS: lines `<vkey> [from [to]]` of those whom you trust

Prints `valid` and what vouches for it, or `invalid: ` and why. Exit 0 valid and signed, 4 valid but unsigned, 1 invalid.
"""
import base64
import hashlib
import hmac
import json
import subprocess
import sys
import tempfile

ED25519 = bytes.fromhex("302a300506032b6570032100")  # SubjectPublicKeyInfo (RFC 8410) up to the 32 bytes of the key


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf(text):
    return sha256(b"\x00" + text.encode())


def demand(holds, why):
    if not holds:
        raise ValueError(why)


def once(pairs):
    demand(len({key for key, _ in pairs}) == len(pairs), "a member appears twice")
    return dict(pairs)


def parse(text):
    return json.loads(text, object_pairs_hook=once, parse_float=lambda _: demand(False, "not a whole number"))


def canonical(text):
    # Names are ASCII and numbers whole: sorted by code point is sorted by UTF-16 code unit, as RFC 8785 wants it.
    value = parse(text)
    demand(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")) == text, "not canonical")
    return value


def trusted(text):
    """The policy: by name and id the type (1 log, 4 witness), the public key and the sizes it may sign."""
    keys = {}
    for words in (line.split("#")[0].split() for line in text.splitlines()):
        if not words:
            continue
        name, key_id, encoded = words[0].split("+", 2)
        material = base64.b64decode(encoded, validate=True)
        demand(sha256(name.encode() + b"\n" + material).hex()[:8] == key_id, "a key without its id")
        start = int(words[1]) if len(words) > 1 else 0
        end = int(words[2]) if len(words) > 2 else 2**53
        keys[name, key_id] = (material[0], material[1:], start, end)
    return keys


def signed(public, message, signature):
    with tempfile.NamedTemporaryFile() as key, tempfile.NamedTemporaryFile() as text, tempfile.NamedTemporaryFile() as sig:
        for file, data in ((key, ED25519 + public), (text, message), (sig, signature)):
            file.write(data)
            file.flush()
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key.name, "-rawin"]
        command += ["-in", text.name, "-sigfile", sig.name]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def signers(note, keys, size):
    """Who of those trusted signed: a bad signature of one of them spoils the note, lines of others say nothing."""
    text, _, block = note.rpartition("\n\n")
    found = set()
    demand(block, "a checkpoint without signature")
    for line in block.splitlines():
        dash, name, encoded = line.split(" ")
        data = base64.b64decode(encoded, validate=True)
        kind, public, start, end = keys.get((name, data[:4].hex()), (0, b"", 0, -1))
        if dash != "\u2014" or not start <= size <= end:
            continue
        message, signature = (text + "\n").encode(), data[4:]
        if kind == 4:
            time = int.from_bytes(data[4:12], "big")
            message, signature = f"cosignature/v1\ntime {time}\n".encode() + message, data[12:]
        demand(signed(public, message, signature), "a bad signature")
        found.add((kind, name))
    return found


def path_root(entry, index, size, path):
    """RFC 9162 section 2.1.3.2: the root that a leaf and its path give."""
    place, last, root = index, size - 1, entry
    demand(index < size, "no such leaf")
    for sibling in path:
        demand(last > 0, "the path is too long")
        if place % 2 == 1 or place == last:
            root = sha256(b"\x01" + sibling + root)
            while place % 2 == 0 and place != 0:
                place, last = place // 2, last // 2
        else:
            root = sha256(b"\x01" + root + sibling)
        place, last = place // 2, last // 2
    demand(last == 0, "the path is too short")
    return root


def prove(text, n, proof, origin, keys, receipts=()):
    """That this is leaf n of the log; answers who vouches for it."""
    head, _, note = proof.partition("\n\n")
    header, index, *path = head.split("\n")
    demand(header == "c2sp.org/tlog-proof@v1" and index == f"index {n}", "the proof of another leaf")
    name, size, root, _ = note.split("\n", 3)
    demand(name == origin, "a checkpoint of another log")
    known = {(key, ident) for key, ident in keys if keys[key, ident][0] == 4}
    lines = [line["receipt"] for line in receipts if line["size"] == int(size)]
    for line in (line for line in lines if line.startswith("\u2014 ")):
        if (line.split(" ")[1], base64.b64decode(line.split(" ")[2])[:4].hex()) in known:
            note += line + "\n"
    vouchers = signers(note, keys, int(size))
    demand((1, origin) in vouchers, "not signed by a trusted key of this log")
    siblings = [base64.b64decode(one, validate=True) for one in path]
    demand(path_root(leaf(text), n, int(size), siblings) == base64.b64decode(root), "not in the signed tree")
    return vouchers


def chain(bundle, origin, session):
    prev = sha256(f"aegis-session/1\n{origin}\n{session}\n".encode()).hex()
    counts, open_intents = {}, {}
    for seq, entry in enumerate(bundle["entries"]):
        body = canonical(entry["body"])
        demand((body["seq"], body["prev"]) == (seq, prev), f"seq {seq}: a broken link")
        counts[body["kind"]] = counts.get(body["kind"], 0) + 1
        if body.get("effect") == "forward":
            open_intents[body["env"]] = seq
        elif body["kind"] in ("result", "orphan"):
            demand(open_intents.pop(body["env"], None) is not None, f"seq {seq}: a result without a decision")
        prev = entry["hash"]
    manifest = canonical(bundle["manifest"]["body"])
    told = {"counts": counts, "entries": len(bundle["entries"]), "last": prev, "kind": "manifest", "v": "aegis-evidence/1"}
    told.update({"log": origin, "session": session, "final": manifest["final"]})
    if open_intents:
        told["open"] = {"count": len(open_intents), "seqs": sorted(open_intents.values())[:1024]}
    demand(manifest == told, "the manifest does not add up")


def verify(bundle, keys):
    demand(bundle["format"] in ("aegis-evidence-bundle/1", "aegis-evidence-bundle/2"), "an unknown format")
    origin, session, manifest = bundle["origin"], bundle["session"], bundle["manifest"]
    bodies = {}
    for item in [*bundle["entries"], manifest]:
        demand(leaf(item["body"]).hex() == item["hash"], "a body without its hash")
        body = canonical(item["body"])
        demand((body["log"], body["session"], body["v"]) == (origin, session, "aegis-evidence/1"), "of another session")
        bodies[item["n"]] = body
    if not bundle.get("partial"):
        chain(bundle, origin, session)
    for value in bundle["disclosures"]:
        message = b"aegis-commit/1\x00" + value["path"].encode() + b"\x00" + value["value"].encode()
        mac = hmac.new(bytes.fromhex(value["salt"]), message, hashlib.sha256).hexdigest()
        demand(mac == bodies[value["n"]]["commit"][value["path"]], "a value that was not committed")
    vouchers = []
    proven = [(one["body"], one["n"], one["proof"]) for one in bundle.get("erasures", []) if one["proof"]]
    proven += [(one["body"], one["n"], one["proof"]) for one in bundle["entries"] if "proof" in one]
    if bundle.get("proof"):
        proven.append((manifest["body"], manifest["n"], bundle["proof"]))
    demand(not bundle.get("partial") or all("proof" in one for one in bundle["entries"]), "an entry without proof")
    for text, n, proof in proven:
        vouchers.append(prove(text, n, proof, origin, keys, bundle.get("receipts", ())))
    whole = bool(bundle.get("proof")) or (bundle["entries"] and "proof" in bundle["entries"][-1])
    return set.intersection(*vouchers) if whole else None


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as policy, open(sys.argv[2], encoding="utf-8") as file:
        try:
            who = verify(parse(file.read()), trusted(policy.read()))
        except (ValueError, KeyError, TypeError, IndexError) as why:
            print(f"invalid: {why}")
            sys.exit(1)
    print("valid, unsigned" if who is None else f"valid, by {', '.join(sorted(name for _, name in who))}")
    sys.exit(4 if who is None else 0)

"""Checks evidence.json with nothing but Python's library: a second reading of the format. Prints `ok` or fails."""
import hashlib
import hmac
import json
import os

vectors = json.load(open(os.path.join(os.path.dirname(__file__), "evidence.json"), encoding="utf-8"))


def jcs(value):
    # Bodies hold integers, no characters beyond the basic plane in keys: sorting by code point is sorting by code unit.
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def leaf(text):
    return hashlib.sha256(b"\x00" + text.encode()).hexdigest()


origin, session = vectors["origin"], vectors["session"]
prev = hashlib.sha256(f"aegis-session/1\n{origin}\n{session}\n".encode()).hexdigest()
assert prev == vectors["genesis"]
counts = {}
for seq, entry in enumerate(vectors["entries"]):
    body = json.loads(entry["body"])
    assert jcs(body) == entry["body"], "not canonical"
    assert leaf(entry["body"]) == entry["hash"], "hash"
    assert (body["seq"], body["prev"], body["log"], body["session"]) == (seq, prev, origin, session), "chain"
    counts[body["kind"]] = counts.get(body["kind"], 0) + 1
    prev = entry["hash"]
manifest = {"counts": counts, "entries": len(vectors["entries"]), "final": True, "kind": "manifest", "last": prev,
            "log": origin, "session": session, "v": "aegis-evidence/1"}
assert jcs(manifest) == vectors["manifest"]["body"], "manifest"
assert leaf(vectors["manifest"]["body"]) == vectors["manifest"]["hash"], "manifest hash"
opened = vectors["disclosure"]
message = b"aegis-commit/1\x00" + opened["path"].encode() + b"\x00" + opened["value"].encode()
mac = hmac.new(bytes.fromhex(opened["salt"]), message, hashlib.sha256).hexdigest()
assert mac == json.loads(vectors["entries"][0]["body"])["commit"][opened["path"]], "commitment"
print("ok")

/** The small project the forge starts with: a hash chain in Go whose concurrent test is flaky, and the branch that mends it. */

const CHAIN = `package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// Entry is one record of the chain.
type Entry struct {
	Seq      int
	Previous string
	Hash     string
	Body     string
}

// Chain links every entry to the one before it.
type Chain struct {
	mu      sync.Mutex
	entries []Entry
}

// Append adds a record and returns it with its hash.
func (c *Chain) Append(body string) Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	previous := ""
	if n := len(c.entries); n > 0 {
		previous = c.entries[n-1].Hash
	}
	sum := sha256.Sum256([]byte(previous + body))
	entry := Entry{Seq: len(c.entries), Previous: previous, Hash: hex.EncodeToString(sum[:]), Body: body}
	c.entries = append(c.entries, entry)
	return entry
}

// Verify reports the first broken link, or -1.
func (c *Chain) Verify() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	previous := ""
	for i, entry := range c.entries {
		sum := sha256.Sum256([]byte(previous + entry.Body))
		if entry.Previous != previous || entry.Hash != hex.EncodeToString(sum[:]) {
			return i
		}
		previous = entry.Hash
	}
	return -1
}
`

const testFile = (declare: string, record: string): string => `package evidence

import (
	"fmt"
	"sync"
	"testing"
)

func TestEvidenceChain_Verify(t *testing.T) {
	chain := &Chain{}
	for i := 0; i < 10; i++ {
		chain.Append(fmt.Sprintf("entry %d", i))
	}
	if broken := chain.Verify(); broken != -1 {
		t.Fatalf("link %d is broken", broken)
	}
}

func TestEvidenceChain_Concurrent(t *testing.T) {
	chain := &Chain{}
	seen := map[int]string{}
${declare}	var group sync.WaitGroup
	for i := 0; i < 64; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			entry := chain.Append(fmt.Sprintf("entry %d", i))
${record}		}(i)
	}
	group.Wait()
	if len(seen) != 64 {
		t.Fatalf("want 64 entries, have %d", len(seen))
	}
}
`

const README = `# aegisflow

A policy gateway for coding agents with a hash-chained evidence log.

    go test ./...
`

const MAIN = `package main

import (
	"fmt"

	"example.com/aegisflow/internal/evidence"
)

func main() {
	chain := &evidence.Chain{}
	chain.Append("start")
	fmt.Println("broken link:", chain.Verify())
}
`

const WORKFLOW = `name: ci
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-go@v5
      - run: go test -race ./...
`

export const TEST_FILE = 'internal/evidence/chain_test.go'
export const FIX_BRANCH = 'claude/fix-flaky-evidence-test'

/** Path to content, on `main`. */
export const MAIN_FILES: Readonly<Record<string, string>> = {
  '.github/workflows/ci.yml': WORKFLOW,
  'README.md': README,
  'cmd/aegisflow/main.go': MAIN,
  'go.mod': 'module example.com/aegisflow\n\ngo 1.22\n',
  'internal/evidence/chain.go': CHAIN,
  [TEST_FILE]: testFile('', '\t\t\tseen[entry.Seq] = entry.Hash\n'),
}

/** The one file that the branch changes: the map is now written under a lock. */
export const FIXED_TEST = testFile(
  '\tvar mu sync.Mutex\n',
  '\t\t\tmu.Lock()\n\t\t\tdefer mu.Unlock()\n\t\t\tseen[entry.Seq] = entry.Hash\n',
)

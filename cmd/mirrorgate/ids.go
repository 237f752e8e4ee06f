package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mirrorgate/cache/shared"
)

// loopID returns the id by which this gateway, or each of its fleet, knows its own requests again. Nobody else can
// guess it: who could would get 508 for what is not in the bucket.
func loopID(fleet shared.Config, dataDir string) (string, error) {
	if id := fleet.LoopID(); id != "" {
		return id, nil
	}
	return keptID(dataDir, "loop-id")
}

// memberID returns the id by which the others of its fleet know this gateway. It goes with data_dir: what waits there
// is the member's, also after a restart.
func memberID(dataDir string) (string, error) { return keptID(dataDir, "member-id") }

// keptID returns the id that a file of data_dir holds, a random one that is made when there is none.
func keptID(dataDir, name string) (string, error) {
	path := filepath.Join(dataDir, name)
	raw, err := os.ReadFile(path)
	if err == nil {
		if id := strings.TrimSpace(string(raw)); len(id) == 32 && strings.Trim(id, "0123456789abcdef") == "" {
			return id, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the %s: %w", name, err)
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	id := hex.EncodeToString(random[:])
	if err := os.WriteFile(path, []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the %s: %w", name, err)
	}
	return id, nil
}

package crash_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

const (
	resumedSize = 256 * mib // unless the environment says otherwise
	resumedPart = 16 * mib  // writeback.part_size as it is by default
	mostAgain   = 55        // percent of the object's bytes that may be sent after the kill
	resumedKey  = "large.bin"
)

// TestUploadGoesOn: a gateway that is killed when half of a large object is in its bucket sends the other half after
// its next start, and not the first half again. The server refuses uploads until the object has been pulled, so that
// none has begun when it is committed.
func TestUploadGoesOn(t *testing.T) {
	s := newServer(t)
	o := origin.Start(t, origin.Config{})
	size := int64(setting(t, sizeVariable, resumedSize))
	if err := o.SetFault("/"+resumedKey, fmt.Sprintf("sound,size=%d", size)); err != nil {
		t.Fatal(err)
	}
	truth := o.Truth("/" + resumedKey)
	s.front.hook.Store(&hook{asked: refuse, answered: ignore, told: ignore})
	g := harness.StartGateway(t, fmt.Sprintf("sites:\n- name: site\n  hosts: [\"*\"]\n  bucket: %s\n"+
		"  rules:\n  - {id: all, origin: {primary: %q}}\n", s.config(), o.URL()))
	pull(t, g, truth)
	g.Kill()

	parts := (size + resumedPart - 1) / resumedPart
	half := s.front.stopAfter(parts / 2)
	g.Restart(t)
	waitRemembered(t, g, int(parts/2))
	g.Kill()
	close(half)
	first := s.front.sent.Swap(0)

	s.front.hook.Store(nil)
	began := time.Now()
	g.Restart(t)
	harness.Eventually(t, 10*patience, spool(g.DataDir+"/spool").drained)
	again := s.front.sent.Load()
	t.Logf("of %d bytes %d were sent before the kill, %d (%.1f %%) after it, in %v", size, first, again,
		float64(again)*100/float64(size), time.Since(began).Round(time.Millisecond))
	if again*100 > size*mostAgain {
		t.Errorf("%d bytes of %d were sent after the kill, at most %d %% may be", again, size, mostAgain)
	}
	wantStored(t, s, truth)
	if n := o.Requests(""); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
}

func refuse(operation) bool { return false }
func ignore(operation)      {}

// stopAfter lets so many parts pass, and no further one, until the channel that it returns is closed.
func (f *front) stopAfter(parts int64) chan struct{} {
	end := make(chan struct{})
	var passed atomic.Int64
	f.hook.Store(&hook{answered: ignore, told: ignore, asked: func(op operation) bool {
		if op != uploadPart || passed.Add(1) <= parts {
			return true
		}
		<-end
		return false
	}})
	return end
}

func pull(t *testing.T, g *harness.Gateway, truth harness.Truth) {
	t.Helper()
	response := g.Open(t, http.MethodGet, "/"+resumedKey)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("status %d", response.StatusCode)
	}
	if err := truth.Check(response.Body); err != nil {
		t.Fatal(err)
	}
}

// waitRemembered waits until so many parts are remembered.
func waitRemembered(t *testing.T, g *harness.Gateway, parts int) {
	t.Helper()
	harness.Eventually(t, 10*patience, func() error {
		files, err := filepath.Glob(filepath.Join(g.DataDir, "spool", "uploads", "*"))
		if err != nil || len(files) != 1 {
			return errors.Join(fmt.Errorf("%d uploads are remembered", len(files)), err)
		}
		raw, err := os.ReadFile(files[0])
		if n := bytes.Count(raw, []byte("\n")) - 1; err == nil && n < parts {
			err = fmt.Errorf("%d parts of %d are remembered", n, parts)
		}
		return err
	})
}

func wantStored(t *testing.T, s *server, truth harness.Truth) {
	t.Helper()
	body, stored := s.Open(t, bucketName, resumedKey)
	defer body.Close()
	if err := truth.Check(body); err != nil {
		t.Error(err)
	}
	if parts := fmt.Sprintf("-%d", (truth.Size+resumedPart-1)/resumedPart); !strings.HasSuffix(stored.ETag, parts) {
		t.Errorf("the ETag %s is not one of an upload in %s parts", stored.ETag, parts[1:])
	}
	if left, err := s.left(); err != nil || left > 0 {
		t.Errorf("%d uploads are left open (%v)", left, err)
	}
}

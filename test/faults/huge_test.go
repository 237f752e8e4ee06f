package faults_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

const (
	hugeSize  = 5 << 30
	hugeFrom  = 4 << 30
	hugeRead  = 1 << 20 // bytes of the range that its client reads before it leaves
	hugeTries = 5

	// hugeKey is the object of a try. Its origin sends 16 MiB a second, of the whole and of a part: 5 GiB would take
	// five minutes.
	hugeKey = "~drip,rate=16MiB,size=5GiB/%s-%d.bin"

	// mostLate is how much later than from the origin itself the first byte of a range may come.
	mostLate = 20 * time.Millisecond
)

// TestHugeRange: the first byte of a range far inside a huge object that nobody has asked for before comes as soon as
// from the origin, while one pull of the whole runs behind it, and the range is given up when its client leaves.
func TestHugeRange(t *testing.T) {
	o := origin.Start(t, origin.Config{})
	g := serveWith(t, "spool: {max_bytes: 40GiB}", t.TempDir(), fmt.Sprintf(`{id: r, origin: {primary: %q}}`, o.URL()))
	var late, direct []time.Duration
	for n := range hugeTries {
		straight := fmt.Sprintf("/"+hugeKey, "straight", n)
		cold := fmt.Sprintf("/"+hugeKey, "cold", n)
		own := farRange(t, o.URL()+straight, o.Truth(straight))
		through := farRange(t, g.URL+cold, o.Truth(cold))
		direct, late = append(direct, own), append(late, through-own)
		wantOnePull(t, o, cold)
	}
	t.Logf("the first byte came %v later than the %v of the origin's own", late, direct)
	if best := slices.Min(late); best > mostLate {
		t.Errorf("the first byte came %v later than from the origin, at most %v are due", best, mostLate)
	}
	for n := range hugeTries {
		cold := fmt.Sprintf("/"+hugeKey, "cold", n)
		if asked := o.Count(cold); asked.Requests != 2 || asked.Methods[http.MethodGet] != 2 || asked.Ranged != 1 {
			t.Errorf("%s: the origin was asked %+v, not once for the whole and once for the range", cold, asked)
		}
	}
}

// farRange reads the beginning of a range, compares it, leaves, and returns how long the first byte took.
func farRange(t *testing.T, url string, truth harness.Truth) time.Duration {
	t.Helper()
	ctx, leave := context.WithTimeout(t.Context(), patience)
	defer leave()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = siteHost
	request.Header.Set("Range", fmt.Sprintf("bytes=%d-", hugeFrom))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	first := make([]byte, 1)
	began := time.Now()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.ReadFull(response.Body, first); err != nil {
		t.Fatalf("%d, then %v", response.StatusCode, err)
	}
	took := time.Since(began)
	body := io.MultiReader(bytes.NewReader(first), io.LimitReader(response.Body, hugeRead-1))
	if err := truth.CheckRange(body, hugeFrom, hugeRead); err != nil {
		t.Errorf("%s: %v", url, err)
	}
	part := fmt.Sprintf("bytes %d-%d/%d", hugeFrom, hugeSize-1, hugeSize)
	if got := response.Header.Get("Content-Range"); response.StatusCode != http.StatusPartialContent || got != part {
		t.Errorf("%s: status %d, Content-Range %q, want 206 and %q", url, response.StatusCode, got, part)
	}
	if length := response.ContentLength; length != hugeSize-hugeFrom {
		t.Errorf("%s: Content-Length %d", url, length)
	}
	return took
}

// wantOnePull waits until the origin answers the pull of the whole and nothing else, and sees it advance.
func wantOnePull(t *testing.T, o *origin.Server, path string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	alone := func(c origin.Count) bool { return c.Requests == 2 && c.Active == 1 }
	if err := o.WaitFor(ctx, path, alone); err != nil {
		t.Fatalf("the range goes on without its client, or no pull runs behind it: %+v", o.Count(path))
	}
	before := o.Count(path).Sent
	if err := o.WaitFor(ctx, path, func(c origin.Count) bool { return c.Sent > before+hugeRead }); err != nil {
		t.Fatalf("the pull stands still: %+v", o.Count(path))
	}
	for _, r := range o.Records(path) {
		if ranged := strings.Join(r.Header["Range"], ","); r.Ended.IsZero() && ranged != "" {
			t.Errorf("what is still asked for is the range %s", ranged)
		}
	}
}

package origin_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"mirrorgate/test/origin"
)

func testContext(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), patience)
}

// What net/http's client cannot know, or does not do: it neither verifies digests nor resumes, it takes what comes in
// an HTTP/1.0 answer as its body, and it takes 200 to be 200.
func beyondNetHTTP(f origin.Fault) bool {
	return slices.Contains([]string{"digests", "redirects", "resumes"}, f.Group) || strings.HasPrefix(f.Name, "cut-once") ||
		f.Name == "chunk-http10" || f.Name == "gzip" || f.Waits
}

// TestTheTableAgreesWithNetHTTP: a plain client gets the right bytes from what the table calls right, and never a
// complete 200 from what the table calls broken.
func TestTheTableAgreesWithNetHTTP(t *testing.T) {
	for _, f := range origin.Faults() {
		if beyondNetHTTP(f) {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			s := origin.Start(t, origin.Config{})
			transport := &http.Transport{DisableCompression: true, MaxResponseHeaderBytes: 64 << 10}
			defer transport.CloseIdleConnections()
			err := plainGet(t, transport, s, f.Path("a"))
			switch {
			case err == nil && !f.Get.Allows(origin.Right):
				t.Errorf("net/http gets it right, the table says %s", f.Get)
			case err != nil && f.Get.Client == origin.Right:
				t.Errorf("net/http: %v, the table says %s", err, f.Get)
			}
		})
	}
}

// plainGet returns nil if the object arrived whole, as 200.
func plainGet(t *testing.T, transport *http.Transport, s *origin.Server, path string) error {
	t.Helper()
	r, err := http.NewRequestWithContext(soon(t), http.MethodGet, s.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		_, err := io.Copy(io.Discard, answer.Body)
		return errorf(answer.Status, err)
	}
	return s.Truth(path).Check(answer.Body)
}

type statusError struct {
	status string
	err    error
}

func errorf(status string, err error) error { return statusError{status, err} }

func (e statusError) Error() string { return e.status }
func (e statusError) Unwrap() error { return e.err }

package contract_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// TestThreeDeadOrigins: a primary that is gone, and a backup that sends elsewhere, where nobody is either. The client
// learns in bounded time that the origins failed, and the log says of each what was the matter.
func TestThreeDeadOrigins(t *testing.T) {
	t.Parallel()
	gone, third := harness.FreeAddr(t), harness.FreeAddr(t)
	backup := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+third+r.URL.Path, http.StatusFound)
	})
	r := serve(t, site("", `{id: r, origin: {primary: "http://`+gone+`", backup: "${BACKUP}", allow_private_redirects: true,
    timeouts: {answer: 2s}}}`), "BACKUP="+backup.url)
	within(t, 2*time.Second+soon, func() { mirrorFailed.want(t, "GET", r.get(t, "/a.txt"), gone, third) })
	log := r.Log(t)
	for _, addr := range []string{gone, third} {
		if !strings.Contains(log, addr) {
			t.Errorf("the log does not name %s", addr)
		}
	}
	r.wantBucket(t)
}

// TestBodyThatDoesNotBegin: a header alone is no answer yet. When nothing follows, the backup has the object.
func TestBodyThatDoesNotBegin(t *testing.T) {
	t.Parallel()
	backup := startOrigin(t, pages(map[string]page{"/cut.txt": {body: "backup"}, "/stalls.txt": {body: "backup"}}))
	primary := startRawOrigin(t, func(conn net.Conn, request *http.Request) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 6\r\n\r\n")
		if request.URL.Path == "/stalls.txt" {
			untilGone(conn)
		}
	})
	r := serve(t, site("", `{id: r, origin: {primary: "http://`+primary.addr+`", backup: "${BACKUP}",
    timeouts: {first_byte: 300ms}, breaker: {failures: 0}}}`), "BACKUP="+backup.url)
	within(t, 600*time.Millisecond+soon, func() {
		for _, target := range []string{"/cut.txt", "/stalls.txt"} {
			wantObject(t, r.get(t, target), "backup",
				`mirrorgate; fwd=uri-miss; fwd-status=200; stored; detail=backup; rule="r"`)
		}
	})
	r.wantBucket(t, "cut.txt", "stalls.txt")
}

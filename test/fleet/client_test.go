package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// newClient returns a client of gateways: no redirect is followed, nothing is unpacked.
func newClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 1000},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	text   []byte // of an answer that is not the object
	got    int    // bytes of the object, all of them right
	err    error  // no answer came, or it broke off, visibly
	wrong  error  // what nobody may be given
	took   time.Duration
}

// get asks a gateway for a key, and compares what comes.
func get(ctx context.Context, client *http.Client, gateway, key string, want []byte) (a answer) {
	began := time.Now()
	defer func() { a.took = time.Since(began) }()
	response, err := open(ctx, client, gateway, key)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	a.status, a.header = response.StatusCode, response.Header
	if a.status != http.StatusOK {
		a.text, a.err = io.ReadAll(response.Body)
		return a
	}
	a.compare(response.Body, want)
	return a
}

func open(ctx context.Context, client *http.Client, gateway, key string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, gateway+"/"+key, nil)
	if err != nil {
		return nil, err
	}
	return client.Do(request)
}

// compare reads a body to its end. It does without bytes.Equal, of which the race detector marks every byte as read.
func (a *answer) compare(body io.Reader, want []byte) {
	buffer := make([]byte, 64*kib)
	for {
		n, err := body.Read(buffer)
		rest := want[a.got:]
		if order := bytes.Compare(buffer[:min(n, len(rest))], rest[:min(n, len(rest))]); order != 0 || n > len(rest) {
			a.wrong = fmt.Errorf("wrong bytes within %d of byte %d", n, a.got)
			return
		}
		a.got += n
		switch {
		case errors.Is(err, io.EOF):
			if a.got < len(want) {
				a.wrong = fmt.Errorf("a clean end after %d of %d bytes", a.got, len(want))
			}
			return
		case err != nil:
			a.err = err
			return
		}
	}
}

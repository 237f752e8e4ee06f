package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
)

// startPull is mirrorgate with an empty directory bucket, which pulls what that lacks from the light backend.
func startPull(b *bed, a ask) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	s := &server{files: filepath.Join(v.Dir, "bucket"), proxies: true, proves: pulledAndStored}
	v.Bucket, v.Origin = fmt.Sprintf("{dir: %q}", s.files), "http://"+b.backendAt
	return b.startMirrorgate(s, a, v)
}

// startNginxStore is nginx with an empty folder, in the same way.
func startNginxStore(b *bed, a ask) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	v.Files = filepath.Join(v.Dir, "files")
	s := &server{files: v.Files, proxies: true}
	return b.startNginx(s, a, "nginx-store.conf.tmpl", v)
}

// pulledAndStored is a pull that will be saved.
func pulledAndStored(h http.Header) error {
	got := h.Get("Cache-Status")
	if !strings.HasPrefix(got, "mirrorgate; fwd=uri-miss;") || !strings.Contains(got, "; stored") {
		return fmt.Errorf("no pull that is saved: Cache-Status is %q", got)
	}
	return nil
}

// colds are so many keys of one size that nobody has asked for so far.
func (b *bed) colds(size int64, count int) func(int) string {
	first := b.cold
	b.cold += count
	return func(i int) string { return coldKey(size, first+i) }
}

// checkCold asks for an object that the server does not have yet.
func (b *bed) checkCold(s *server, size int64) error {
	before, err := b.settled()
	if err != nil {
		return err
	}
	header, body, err := b.get("http://" + s.addr + "/" + b.colds(size, 1)(0))
	if err != nil {
		return err
	}
	after, err := b.sent()
	if err != nil {
		return err
	}
	if after-before != 1 || int64(len(body)) != size || !newObject(size).same(body, 0) {
		return fmt.Errorf("%s: %d bytes, or wrong ones, and %d questions to the origin", s.name, len(body), after-before)
	}
	return s.proves(header)
}

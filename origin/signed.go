package origin

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/signer"
)

const (
	keysTimeout = 3 * time.Second // of one request to where the instance's keys are
	keysAgain   = 5 * time.Second // after a failure, nobody asks for the keys again for that long
	maxError    = 64 << 10        // bytes of an S3 error that are read
)

// bucket is what signs the requests to a private bucket.
type bucket struct {
	region    string
	missingIs []int
	anonymous bool

	keys   *credentials.Credentials
	client *http.Client  // for the keys
	turn   chan struct{} // holds the right to ask for the keys

	// The fields below belong to whoever holds turn.
	failed error
	again  time.Time
}

func newBucket(s S3, connect time.Duration) *bucket {
	b := &bucket{
		region: s.region(), missingIs: s.MissingIs, anonymous: s.Anonymous, turn: make(chan struct{}, 1),
		// The metadata service is where every other connection must not go, so this client is for the keys alone.
		client: &http.Client{Timeout: keysTimeout, Transport: &http.Transport{TLSHandshakeTimeout: connect}},
	}
	if b.missingIs == nil {
		b.missingIs = []int{http.StatusNotFound}
	}
	env := credentials.NewEnvAWS()
	switch v, err := env.GetWithContext(nil); {
	case s.AccessKey != "":
		b.keys = credentials.NewStaticV4(s.AccessKey, s.SecretKey, s.SessionToken)
	case err == nil && v.AccessKeyID != "" && v.SecretAccessKey != "":
		b.keys = env
	default:
		b.keys = credentials.New(&credentials.IAM{Region: s.Region})
	}
	return b
}

func (b *bucket) close() { b.client.CloseIdleConnections() }

// sign adds the signature (SigV4, of an unsigned payload) to a request that is otherwise complete. It covers the
// method, the host, path and query as they are sent, and no header that a proxy on the way might touch.
func (b *bucket) sign(req *http.Request) error {
	for name := range req.Header {
		if name == "Authorization" || strings.HasPrefix(name, "X-Amz-") {
			req.Header.Del(name)
		}
	}
	if b.anonymous {
		return nil
	}
	v, err := b.value(req.Context())
	if err != nil {
		return err
	}
	covered := http.Header{"X-Amz-Content-Sha256": {"UNSIGNED-PAYLOAD"}}
	if kind := req.Header.Values("Content-Type"); len(kind) > 0 {
		covered["Content-Type"] = kind
	}
	// The signer writes into the URL: it gets one of its own.
	u := *req.URL
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		// A pair that cannot be parsed cannot be covered either, so it is not sent.
		req.URL.RawQuery = u.Query().Encode()
	}
	signed := signer.SignV4(
		http.Request{Method: req.Method, URL: &u, Host: req.Host, Header: covered},
		v.AccessKeyID, v.SecretAccessKey, v.SessionToken, b.region)
	for name, values := range signed.Header {
		req.Header[name] = values
	}
	return nil
}

// value returns the keys. It waits no longer than ctx lasts, also while another pull asks for them, and remembers a
// failure for a moment, so that not every pull waits for a metadata service that is not there.
func (b *bucket) value(ctx context.Context) (credentials.Value, error) {
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return credentials.Value{}, context.Cause(ctx)
	}
	defer func() { <-b.turn }()
	if b.failed != nil && time.Now().Before(b.again) {
		return credentials.Value{}, b.failed
	}
	v, err := b.keys.GetWithContext(&credentials.CredContext{Client: b.client, Context: ctx})
	if err == nil && (v.AccessKeyID == "" || v.SecretAccessKey == "") {
		err = errors.New("no keys: set access_key and secret_key, the environment (AWS_ACCESS_KEY_ID …) or a role")
	}
	if ctx.Err() == nil {
		b.failed, b.again = err, time.Now().Add(keysAgain)
	}
	return v, err
}

// errorCode reads the code of an S3 error; "" if there is none.
func errorCode(body io.Reader) string {
	var answer struct {
		XMLName xml.Name `xml:"Error"`
		Code    string   `xml:"Code"`
	}
	if xml.NewDecoder(io.LimitReader(body, maxError)).Decode(&answer) != nil {
		return ""
	}
	return answer.Code
}

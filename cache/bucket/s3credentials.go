package bucket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	sdk "github.com/minio/minio-go/v7/pkg/credentials"
)

// credentials gives the keys that requests are signed with. Those of an instance's role expire: run fetches new ones
// in time, so that no read waits for it.
type credentials struct {
	sdk   *sdk.Credentials // the same for writes; never nil
	log   *slog.Logger
	keys  atomic.Pointer[credential]
	renew chan struct{} // wakes run when the server says that a token has expired
	every time.Duration // how often run looks
	cc    *sdk.CredContext
}

// newCredentials takes the keys from the configuration, else the environment (AWS_*, then MINIO_*), else the
// instance's role.
func newCredentials(c S3Config, log *slog.Logger) *credentials {
	cr := &credentials{
		log: log, renew: make(chan struct{}, 1), every: 10 * time.Second,
		cc: &sdk.CredContext{Client: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{Proxy: nil}}},
	}
	switch {
	case c.Anonymous:
		cr.sdk = sdk.NewStatic("", "", "", sdk.SignatureAnonymous)
	case c.AccessKey != "":
		cr.sdk = sdk.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken)
	default:
		cr.sdk = fromSurroundings()
	}
	return cr
}

// fromSurroundings does not use the SDK's chain: it goes on without a signature when nothing gives keys.
func fromSurroundings() *sdk.Credentials {
	for _, env := range []*sdk.Credentials{sdk.NewEnvAWS(), sdk.NewEnvMinio()} {
		if v, err := env.GetWithContext(nil); err == nil && v.AccessKeyID != "" && v.SecretAccessKey != "" {
			return env
		}
	}
	return sdk.New(&sdk.IAM{Endpoint: os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT")})
}

// current gives the keys to sign with. Only the very first call may wait for them.
func (c *credentials) current(ctx context.Context) (*credential, error) {
	if v := c.keys.Load(); v != nil {
		return v, nil
	}
	return c.fetch(ctx)
}

// fetch asks for keys, and keeps the pointer when they are the same as before: a signing key hangs on it.
func (c *credentials) fetch(ctx context.Context) (*credential, error) {
	cc := *c.cc
	cc.Context = ctx
	v, err := c.sdk.GetWithContext(&cc)
	if err == nil && v.AccessKeyID == "" && v.SignerType != sdk.SignatureAnonymous {
		err = errors.New("the answer holds no access key")
	}
	if err != nil {
		return nil, fmt.Errorf("no credentials: neither access_key nor AWS_ACCESS_KEY_ID is set, "+
			"and the instance's role gives none: %w", err)
	}
	fresh := credential{v.AccessKeyID, v.SecretAccessKey, v.SessionToken}
	if old := c.keys.Load(); old != nil && *old == fresh {
		return old, nil
	}
	c.keys.Store(&fresh)
	return &fresh, nil
}

// expired tells run that the server refused the keys as expired. It does not block.
func (c *credentials) expired() {
	select {
	case c.renew <- struct{}{}:
	default:
	}
}

// run fetches new keys before the old ones end, until ctx does.
func (c *credentials) run(ctx context.Context) {
	tick := time.NewTicker(c.every)
	defer tick.Stop()
	for failed := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-c.renew:
			c.sdk.Expire()
		case <-tick.C:
		}
		// Also when nothing is about to end: a write may have fetched new keys through the SDK meanwhile.
		_, err := c.fetch(ctx)
		if err != nil && !failed {
			c.log.Error("bucket credentials cannot be renewed", "error", err)
		}
		failed = err != nil
	}
}

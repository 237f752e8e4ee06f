package bucket

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"

	"mirrorgate/cache"
)

// condition changes the options of a write; nil is none.
type condition func(*minio.PutObjectOptions)

func createOnly(o *minio.PutObjectOptions) { o.SetMatchETagExcept("*") }

func ifMatch(etag string) condition {
	return func(o *minio.PutObjectOptions) { o.SetMatchETag(strings.Trim(etag, `"`)) }
}

// wrongETag is the MD5 of no bytes: no object of the probe has it.
const wrongETag = "d41d8cd98f00b204e9800998ecf8427e"

// write is one PUT.
func (p *probe) write(ctx context.Context, key, content string, c condition) (attempt, error) {
	o := minio.PutObjectOptions{DisableContentSha256: true}
	if c != nil {
		c(&o)
	}
	r := strings.NewReader(content)
	info, err := p.sdk.PutObject(ctx, p.config.Name, key, r, r.Size(), "", "", o)
	return p.attempted(key, info.ETag, err)
}

// attempted remembers key for cleanUp, unless the server refused to write it.
func (p *probe) attempted(key, etag string, err error) (attempt, error) {
	a, err := attempted(etag, err)
	if a.done || err != nil {
		p.written = append(p.written, key)
	}
	return a, err
}

// writeInParts is an upload of one part; the condition goes with its end.
func (p *probe) writeInParts(ctx context.Context, key, content string, c condition) (attempt, error) {
	id, err := p.sdk.NewMultipartUpload(ctx, p.config.Name, key, minio.PutObjectOptions{})
	if err != nil {
		return attempted("", err)
	}
	r := strings.NewReader(content)
	part, err := p.sdk.PutObjectPart(ctx, p.config.Name, key, id, 1, r, r.Size(),
		minio.PutObjectPartOptions{DisableContentSha256: true})
	var info minio.UploadInfo
	if err == nil {
		p.partMD5 = p.partMD5 && part.ETag == md5Of(content)
		var o minio.PutObjectOptions
		if c != nil {
			c(&o)
		}
		parts := []minio.CompletePart{{PartNumber: 1, ETag: part.ETag}}
		info, err = p.sdk.CompleteMultipartUpload(ctx, p.config.Name, key, id, parts, o)
	}
	if err != nil {
		_ = p.abandon(ctx, key, id) // it is logged
	}
	return p.attempted(key, info.ETag, err)
}

func (p *probe) putConditions(ctx context.Context, able *abilities) (err error) {
	able.put, err = conditionsOf(ctx, p.base+"put", p.write)
	return err
}

func (p *probe) completeConditions(ctx context.Context, able *abilities) (err error) {
	able.complete, err = conditionsOf(ctx, p.base+"parts", p.writeInParts)
	able.partMD5 = p.partMD5
	return err
}

// deleteConditions tries a DELETE with a wrong ETag and one with the right one.
func (p *probe) deleteConditions(ctx context.Context, able *abilities) error {
	key, content := p.base+"delete", "delete"
	a, err := p.write(ctx, key, content, nil)
	if err != nil || !a.done {
		return err
	}
	wrong := p.removeIfMatch(ctx, key, `"`+wrongETag+`"`)
	if !errors.Is(wrong, cache.ErrPrecondition) {
		return nothingLearnt(wrong)
	}
	right := p.removeIfMatch(ctx, key, `"`+a.etag+`"`)
	able.deleteIfMatch = right == nil
	return nothingLearnt(right)
}

// nothingLearnt is err if the server might answer otherwise another time.
func nothingLearnt(err error) error {
	var failed *cache.BucketError
	if errors.As(err, &failed) && !failed.Lasting && failed.Status != http.StatusInternalServerError {
		return err
	}
	return nil
}

// md5Of is the ETag without quotes that content has where ETags are MD5.
func md5Of(content string) string {
	sum := md5.Sum([]byte(content))
	return hex.EncodeToString(sum[:])
}

// writer is write or writeInParts.
type writer func(ctx context.Context, key, content string, c condition) (attempt, error)

// conditionsOf tries both conditions where they must let a write pass and where they must stop it.
func conditionsOf(ctx context.Context, key string, write writer) (conditions, error) {
	var made, again, wrong, absent, right attempt
	var etag string
	do := func(result *attempt, key, content string, c condition) func() error {
		return func() (err error) {
			*result, err = write(ctx, key, content, c)
			if result.done {
				etag = result.etag
			}
			return err
		}
	}
	steps := []func() error{
		do(&made, key, "made", createOnly),
		do(&again, key, "again", createOnly),
		do(&wrong, key, "wrong", ifMatch(wrongETag)),
		do(&absent, key+"-absent", "absent", ifMatch(wrongETag)),
		func() error { return do(&right, key, "right", ifMatch(etag))() },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return conditions{}, err
		}
	}
	return conditions{
		createOnly: made.done && again.precondition(),
		ifMatch:    wrong.precondition() && !absent.done && right.done,
	}, nil
}

// forms tries each unusual form beside the key that a server which cleans paths would make of it.
func (p *probe) forms(ctx context.Context, able *abilities) error {
	pairs := []struct {
		form       keyForm
		odd, plain string
	}{
		{formEmpty, p.base + "empty//key", p.base + "empty/key"},
		{formDot, p.base + "dot/./key", p.base + "dot/key"},
		{formDots, p.base + "dots/up/../key", p.base + "dots/key"},
		{formLeading, "/" + p.base + "leading", p.base + "leading"},
	}
	for _, pair := range pairs {
		if pair.form == formLeading && p.prefix != "" {
			continue // no key begins with "/" behind a prefix
		}
		kept, err := p.keepsApart(ctx, pair.odd, pair.plain)
		if err != nil {
			return err
		}
		if kept {
			able.kept |= pair.form
		}
	}
	return nil
}

// keepsApart writes both keys and reads both back.
func (p *probe) keepsApart(ctx context.Context, odd, plain string) (bool, error) {
	for _, key := range []string{plain, odd} {
		a, err := p.write(ctx, key, key, nil)
		if err != nil {
			return false, err
		}
		if !a.done && key == plain {
			return false, classify("put", a.refusal)
		}
		if !a.done {
			return false, nil
		}
	}
	for _, key := range []string{plain, odd} {
		same, err := p.holds(ctx, key, key)
		if err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// holds tells whether the object under key has these bytes. A refusal is a no.
func (p *probe) holds(ctx context.Context, key, content string) (bool, error) {
	obj, err := p.get(ctx, key, cache.ReadOptions{})
	var failure *cache.BucketError
	if errors.As(err, &failure) && (failure.Status == 0 || failure.Status > 500) {
		return false, err
	}
	if err != nil {
		return false, nil
	}
	defer obj.Body.Close()
	got, err := io.ReadAll(io.LimitReader(obj.Body, int64(len(content))+1))
	return string(got) == content, err
}

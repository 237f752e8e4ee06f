package bucket

import (
	"errors"
	"fmt"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"
	"github.com/minio/minio-go/v7/pkg/tags"
	"golang.org/x/net/http/httpguts"

	"mirrorgate/cache"
)

// describe fills in the metadata and the options. Names of user metadata are given whole, since minio-go would take
// one called "x-amz-acl" for that very header; Expires too, since minio-go would rewrite it.
func (w *upload) describe() error {
	stored, _ := cache.EncodeMeta(w.meta)
	headers := make(map[string]string, len(stored.User)+2)
	for name, value := range stored.User {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("user metadata %q cannot be sent as a header", name)
		}
		headers["X-Amz-Meta-"+name] = value
	}
	if stored.Expires != "" {
		headers["Expires"] = stored.Expires
	}
	if w.put.ACL != "" {
		if !httpguts.ValidHeaderFieldValue(w.put.ACL) {
			return fmt.Errorf("%q is no canned ACL", w.put.ACL)
		}
		headers["X-Amz-Acl"] = w.put.ACL
	}
	if _, err := tags.NewTags(w.put.Tags, true); err != nil { // minio-go would send none
		return fmt.Errorf("tags: %w", err)
	}
	sse, err := w.encryption()
	w.options = minio.PutObjectOptions{
		UserMetadata: headers, ContentType: stored.ContentType, ContentEncoding: stored.ContentEncoding,
		ContentDisposition: stored.ContentDisposition, ContentLanguage: stored.ContentLanguage,
		CacheControl: stored.CacheControl, StorageClass: w.put.StorageClass, UserTags: w.put.Tags,
		ServerSideEncryption: sse, DisableContentSha256: true,
	}
	return err
}

// encryption is what the server is told to encrypt with, nil for the bucket's default.
func (w *upload) encryption() (encrypt.ServerSide, error) {
	switch o := w.put; {
	case o.KMSKey != "" && o.Encryption != cache.EncryptionKMS:
		return nil, errors.New("a KMS key without encryption " + cache.EncryptionKMS)
	case !httpguts.ValidHeaderFieldValue(o.KMSKey):
		return nil, errors.New("the KMS key cannot be sent as a header")
	case o.Encryption == "":
		return nil, nil
	case o.Encryption == cache.EncryptionS3:
		return encrypt.NewSSE(), nil
	case o.Encryption == cache.EncryptionKMS:
		return encrypt.NewSSEKMS(o.KMSKey, nil)
	}
	return nil, fmt.Errorf("unknown encryption %q", w.put.Encryption)
}

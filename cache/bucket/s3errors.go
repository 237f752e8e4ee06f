package bucket

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"

	"mirrorgate/cache"
)

// refusal is what a server said instead of what was asked for.
type refusal struct {
	Status  int    `xml:"-"`
	Code    string `xml:"Code"`
	Message string `xml:"Message"`
	Size    *int64 `xml:"ActualObjectSize"` // of InvalidRange
}

// maxErrorBody is more than any S3 error needs.
const maxErrorBody = 64 << 10

// parseRefusal reads an S3 error. Anything else, such as a proxy's page, leaves Code empty.
func parseRefusal(status int, body io.Reader) refusal {
	r := refusal{Status: status}
	if body == nil {
		return r
	}
	raw, err := io.ReadAll(io.LimitReader(body, maxErrorBody))
	var parsed struct {
		XMLName xml.Name `xml:"Error"`
		refusal
	}
	if err == nil && xml.Unmarshal(raw, &parsed) == nil {
		r.Code, r.Message, r.Size = parsed.Code, parsed.Message, parsed.Size
	}
	return r
}

// Codes of a server that cannot hold a key because of its form.
var formCodes = []string{"XMinioInvalidObjectName", "KeyTooLongError", "KeyTooLong", "InvalidURI", "InvalidObjectName"}

// codeBadDigest: the bytes that came do not have the MD5 that was sent with them.
const codeBadDigest = "BadDigest"

// Codes of 400, 403, 404 and 409 that pass by themselves, with new credentials, or when the bytes are sent again.
var passingCodes = []string{
	"ExpiredToken", "TokenRefreshRequired", "RequestTimeTooSkewed", "RequestExpired", "RequestTimeout", "IncompleteBody",
	"SlowDown", codeConflict, "OperationAborted", "NoSuchUpload", "Throttling", "ThrottlingException",
	"KMS.ThrottlingException", codeBadDigest, "InvalidPart", "InvalidPartOrder",
}

// classify decides once what a refusal means. It does not know about delete markers, missing_is and conflicts.
func classify(op string, r refusal) error {
	switch {
	case r.Status == http.StatusNotFound && r.Code == minio.NoSuchKey:
		return cache.ErrNotFound
	case r.Status == http.StatusPreconditionFailed || r.Code == minio.PreconditionFailed:
		return cache.ErrPrecondition
	case r.Status == http.StatusRequestedRangeNotSatisfiable && r.Size != nil:
		return &cache.RangeError{Size: *r.Size}
	case r.Status == http.StatusRequestedRangeNotSatisfiable:
		return &cache.RangeError{Size: -1}
	case r.Status == http.StatusBadRequest && slices.Contains(formCodes, r.Code):
		return fmt.Errorf("%w: %s", cache.ErrKeyForm, r.Code)
	}
	err := &cache.BucketError{Op: op, Status: r.Status, Code: r.Code, Lasting: lasting(r)}
	if r.Message != "" {
		err.Err = errors.New(strings.ToLower(r.Message[:1]) + r.Message[1:])
	}
	return err
}

// lasting tells that somebody has to mend something: permission, quota, an encryption key, a malformed request, a
// missing bucket, a full disk, something the server does not know.
func lasting(r refusal) bool {
	if slices.Contains(passingCodes, r.Code) {
		return false
	}
	switch r.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	case http.StatusNotImplemented, http.StatusInsufficientStorage:
		return true
	}
	return r.Status >= 300 && r.Status < 500 || strings.Contains(r.Code, "Quota")
}

// transport wraps a failure that no answer explains.
func transport(op string, err error) error {
	if err == nil {
		return nil
	}
	return &cache.BucketError{Op: op, Err: err}
}

// fromSDK classifies an error of minio-go.
func fromSDK(op string, err error) error {
	if err == nil {
		return nil
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return transport(op, err)
	}
	class := classify(op, refusal{Status: answer.StatusCode, Code: answer.Code, Message: answer.Message})
	if errors.Is(class, cache.ErrKeyForm) {
		return &cache.BucketError{
			Op: op, Status: answer.StatusCode, Code: answer.Code, Lasting: true, Err: cache.ErrKeyForm,
		}
	}
	return class
}

// refused makes the error for a read that was answered with r; marker tells that the newest version is a delete marker.
func (s *S3) refused(ctx context.Context, op string, r refusal, marker bool) error {
	if r.Status == http.StatusNotFound && marker {
		if s.config.DeleteMarker == markerMiss {
			return cache.ErrNotFound
		}
		return cache.ErrDeleted
	}
	switch r.Code {
	case "ExpiredToken", "InvalidToken", "TokenRefreshRequired":
		s.credentials.expired()
	}
	err := classify(op, r)
	if r.Status != http.StatusForbidden || r.Code != minio.AccessDenied {
		return err
	}
	if !slices.Contains(s.config.MissingIs, http.StatusForbidden) {
		return &cache.BucketError{Op: op, Status: r.Status, Code: r.Code, Lasting: true, Err: errNoList}
	}
	if why := s.canary.check(ctx); why != nil {
		return &cache.BucketError{Op: op, Status: r.Status, Code: r.Code, Lasting: true, Err: why}
	}
	return cache.ErrNotFound
}

var errNoList = errors.New("the credentials lack s3:GetObject, or s3:ListBucket, without which S3 answers 403 for " +
	"missing keys: grant it, or set missing_is: [404, 403]")

// sizeOf reads the size at the end of a Content-Range, -1 when there is none (RFC 9110 section 14.4).
func sizeOf(contentRange string) int64 {
	_, total, ok := strings.Cut(contentRange, "/")
	n, err := strconv.ParseUint(total, 10, 63)
	if !ok || err != nil {
		return -1
	}
	return int64(n)
}

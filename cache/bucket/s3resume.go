package bucket

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"

	"mirrorgate/cache"
)

// resume goes on with the upload that the checkpoint remembers. nil means that there is none that could be gone on
// with, and a new one is to be begun.
func (w *upload) resume(ctx context.Context) (*opened, error) {
	old := w.put.Checkpoint.Upload()
	if old.ID == "" {
		return nil, nil
	}
	if !usable(old.PartSize, w.meta.Size) {
		return nil, w.startAgain(ctx, old.ID)
	}
	held, err := w.listParts(ctx, old.ID)
	switch {
	case codeOf(err) == minio.NoSuchUpload:
		return nil, w.forgotten(ctx)
	case err != nil && keepsOpen(ctx, err):
		return nil, w.settle(ctx, err)
	case err != nil: // perhaps the permission to list parts is lacking
		w.log.Warn("an upload in parts cannot be gone on with", "key", w.key, "error", err)
		return nil, w.startAgain(ctx, old.ID)
	}
	u := newOpened(old.ID, w.meta.Size, old.PartSize)
	for _, p := range old.Parts {
		if w.agreed(u, p, held[p.Number]) {
			u.parts[p.Number-1].ETag = trimETag(p.ETag)
		}
	}
	if w.put.Encryption != "" {
		u.parts[len(u.parts)-1].ETag = "" // the answer to at least one part confirms it
	}
	return u, nil
}

// usable tells whether an object of size bytes can have parts of partSize.
func usable(partSize, size int64) bool {
	return minPart <= partSize && partSize <= maxPart && partSizeFor(size, partSize) == partSize
}

// agreed tells whether the server holds the part that is remembered.
func (w *upload) agreed(u *opened, remembered cache.Part, held minio.ObjectPart) bool {
	if remembered.Number < 1 || remembered.Number > len(u.parts) || held.PartNumber != remembered.Number {
		return false
	}
	_, length := u.section(remembered.Number-1, w.meta.Size)
	etag := trimETag(remembered.ETag)
	return etag != "" && etag == trimETag(held.ETag) && held.Size == length
}

func trimETag(etag string) string { return strings.Trim(etag, `"`) }

// maxListed is how much S3 lists in one answer.
const maxListed = 1000

// listParts asks what the server holds of an upload.
func (w *upload) listParts(ctx context.Context, id string) (map[int]minio.ObjectPart, error) {
	held := make(map[int]minio.ObjectPart)
	for marker := 0; ; {
		page, err := w.sdk.ListObjectParts(ctx, w.config.Name, w.key, id, marker, maxListed)
		if err != nil {
			return nil, fromSDK("list parts", err)
		}
		for _, p := range page.ObjectParts {
			held[p.PartNumber] = p
		}
		if !page.IsTruncated {
			return held, nil
		}
		if page.NextPartNumberMarker <= marker {
			return nil, &cache.BucketError{Op: "list parts", Err: errors.New("the list of parts does not end")}
		}
		marker = page.NextPartNumberMarker
	}
}

// forgotten decides about an upload that the server does not know. It may have been completed by an answer that nobody
// got: then there is an object, or another than the one to replace. Else it was given up, and nil means to start again.
func (w *upload) forgotten(ctx context.Context) error {
	etag, found, err := w.exists(ctx, w.key)
	if err != nil && !w.guarded && !keepsOpen(ctx, err) {
		err = nil // one may not look; the condition on the next upload decides
		etag, found = w.put.IfMatch, false
	}
	if err != nil {
		return err
	}
	w.forget()
	if w.put.IfMatch == "" && found || w.put.IfMatch != "" && etag != w.put.IfMatch {
		return cache.ErrPrecondition
	}
	return nil
}

// startAgain gives up an upload, so that a new one can be begun. When that fails and may succeed later, it is left for
// later.
func (w *upload) startAgain(ctx context.Context, id string) error {
	err := w.giveUp(ctx, id)
	if err != nil && keepsOpen(ctx, err) {
		return err
	}
	return nil
}

// dropRemembered gives up an upload in parts of an object that is to be written with one PUT by now.
func (w *upload) dropRemembered(ctx context.Context) error {
	if w.put.Checkpoint == nil {
		return nil
	}
	if id := w.put.Checkpoint.Upload().ID; id != "" {
		return w.startAgain(ctx, id)
	}
	return nil
}

// end decides what becomes of the upload after err: it is over, it stays open for the next Put, or it is given up.
func (w *upload) end(ctx context.Context, u *opened, err error) {
	switch {
	case err == nil:
		w.forget()
	case w.put.Checkpoint != nil && keepsOpen(ctx, err):
	default:
		_ = w.giveUp(ctx, u.id) // it is logged, and the checkpoint stays
	}
}

// Codes after which an upload is not worth going on with, though the object may be saved by another one.
const codeConflict = "ConditionalRequestConflict" // S3 wants the upload begun anew

var spentCodes = []string{codeConflict, "InvalidPart", "InvalidPartOrder", "EntityTooSmall"}

// keepsOpen tells whether another Put may go on with an upload after err: it passes, and is about neither the body nor
// the upload as such.
func keepsOpen(ctx context.Context, err error) bool {
	var broken *bodyError
	var failed *cache.BucketError
	switch {
	case errors.Is(err, cache.ErrPrecondition):
		return false
	case ctx.Err() != nil, errors.Is(err, cache.ErrNotFound): // a 404 of no S3 server explains nothing
		return true
	case errors.As(err, &broken):
		return false
	}
	return errors.As(err, &failed) && !failed.Lasting && !slices.Contains(spentCodes, failed.Code)
}

// giveUp aborts an upload, and has it forgotten once the server has.
func (w *upload) giveUp(ctx context.Context, id string) error {
	err := w.abandon(ctx, w.key, id)
	if err == nil {
		w.forget()
	}
	return err
}

// remember tells the checkpoint of a part. What it does not take is only sent again after a crash.
func (w *upload) remember(p minio.CompletePart) {
	if w.put.Checkpoint == nil {
		return
	}
	if err := w.put.Checkpoint.Part(cache.Part{Number: p.PartNumber, ETag: p.ETag}); err != nil {
		w.log.Warn("a part that was sent is not remembered", "key", w.key, "part", p.PartNumber, "error", err)
	}
}

// forget tells the checkpoint that the upload is over. What it does not take is found out by the next Put.
func (w *upload) forget() {
	if w.put.Checkpoint == nil {
		return
	}
	if err := w.put.Checkpoint.End(); err != nil {
		w.log.Warn("the end of an upload in parts is not remembered", "key", w.key, "error", err)
	}
}

// codeOf is the S3 error code in err, or "".
func codeOf(err error) string {
	var failed *cache.BucketError
	if errors.As(err, &failed) {
		return failed.Code
	}
	return ""
}

package bucket

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"mirrorgate/cache"
)

// OpenUpload is an upload in parts that nobody has completed or given up. The bucket keeps, and charges for, its parts.
type OpenUpload struct {
	Key, ID string // Key is without the bucket's prefix
	Begun   time.Time
}

// OpenUploads lists the uploads under the bucket's prefix that were begun before olderThan, the oldest first: also
// those of other programs, and those that are under way. It is for an operator who cleans up; Abort ends one.
//
// The whole bucket is listed, and other prefixes are left out here: Amazon and versitygw list the uploads under a
// prefix, but MinIO only those of the one key that is given as prefix, or all.
func (s *S3) OpenUploads(ctx context.Context, olderThan time.Time) ([]OpenUpload, error) {
	var open []OpenUpload
	for key, id := "", ""; ; {
		page, err := s.sdk.ListMultipartUploads(ctx, s.config.Name, "", key, id, "", maxListed)
		if err != nil {
			return nil, fromSDK("list uploads", err)
		}
		for _, u := range page.Uploads {
			name, ours := strings.CutPrefix(u.Key, s.prefix)
			if ours && name != "" && u.Initiated.Before(olderThan) {
				open = append(open, OpenUpload{Key: name, ID: u.UploadID, Begun: u.Initiated})
			}
		}
		if !page.IsTruncated {
			break
		}
		if page.NextKeyMarker == key && page.NextUploadIDMarker == id {
			return nil, &cache.BucketError{Op: "list uploads", Err: errors.New("the list of uploads does not end")}
		}
		key, id = page.NextKeyMarker, page.NextUploadIDMarker
	}
	slices.SortStableFunc(open, func(a, b OpenUpload) int { return a.Begun.Compare(b.Begun) })
	return open, nil
}

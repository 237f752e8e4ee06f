package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"mirrorgate/cache"
)

// Open implements cache.Bucket. Where the kernel can send files the Body is a cache.FileBody.
func (d *Dir) Open(ctx context.Context, key string, o cache.ReadOptions) (*cache.Object, error) {
	if internal(key) {
		return nil, cache.ErrNotFound
	}
	return d.openKey(ctx, key, o)
}

func (d *Dir) openKey(ctx context.Context, key string, o cache.ReadOptions) (*cache.Object, error) {
	if !legalKey(key) {
		return nil, cache.ErrKeyForm
	}
	if err := ctx.Err(); err != nil {
		return nil, diskError("get", err)
	}
	f, meta, err := d.look(d.place(key))
	if err != nil {
		return nil, diskError("get", err)
	}
	object, err := f.object(meta, o)
	if err != nil || o.HeadersOnly {
		f.file.close()
	}
	return object, err
}

// object makes the answer of an open file, which it takes over unless only the headers are asked for.
func (f found) object(meta cache.Meta, o cache.ReadOptions) (*cache.Object, error) {
	if o.IfMatch != "" && o.IfMatch != meta.Bucket.ETag {
		return nil, cache.ErrPrecondition
	}
	object := &cache.Object{Meta: meta, Length: meta.Size, Tier: cache.TierBucket}
	if o.Range != nil {
		if object.Start, object.Length, object.Partial = o.Range.Resolve(meta.Size); !object.Partial {
			return nil, &cache.RangeError{Size: meta.Size}
		}
	}
	if o.HeadersOnly {
		return object, nil
	}
	object.Body = &dirBody{file: f.file, id: f.id, at: object.Start, left: object.Length}
	return object, nil
}

// found is an open regular file.
type found struct {
	file file
	path string
	state
}

// errTaken means that a path cannot be the object's: a folder is there, or a file where a folder is needed, or the disk
// cannot hold the name.
var errTaken = errors.New("the object's path is not free")

// look opens the object and reads its metadata. The two are one object's also while writers replace it: a file without
// a record counts as one only if it is still at its place when no record was found.
func (d *Dir) look(p place) (found, cache.Meta, error) {
	for range 10 {
		f, err := d.find(p)
		if err != nil {
			return found{}, cache.Meta{}, err
		}
		if meta := d.known.of(p.key, f.id); meta != nil {
			return f, *meta, nil
		}
		meta, ok, err := d.metaOf(p, f)
		if ok {
			return f, meta, nil
		}
		f.file.close()
		if err != nil {
			return found{}, cache.Meta{}, err
		}
	}
	return found{}, cache.Meta{}, errors.New("the object was replaced again and again while it was being opened")
}

// metaOf reads the metadata of the file that was found, and remembers it. It is not ok if another file is there by now.
func (d *Dir) metaOf(p place, f found) (meta cache.Meta, ok bool, err error) {
	r, ok, err := d.recordOf(p, f.id)
	switch {
	case err != nil:
		return meta, false, err
	case ok:
		meta = r.meta(f.modified)
	case d.isStill(p, f.id):
		meta = copiedIn(p.key, f.id, f.modified)
	default:
		return meta, false, nil
	}
	d.known.keep(p.key, f.id, meta, r.length)
	return meta, true, nil
}

// isStill tells whether the object of p is the file id.
func (d *Dir) isStill(p place, id identity) bool {
	f, err := d.find(p)
	if err != nil {
		return false
	}
	f.file.close()
	return f.id == id
}

// find opens the file of an object: at its plain path, and if that cannot be or is not its place, aside.
func (d *Dir) find(p place) (found, error) {
	if p.plain != "" {
		f, err := d.openRegular(p.plain)
		if err == nil && d.folds && !d.exact(p.plain) {
			f.file.close()
			err = errTaken
		}
		if err == nil || !errors.Is(err, errTaken) && !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	f, err := d.openRegular(p.aside())
	if errors.Is(err, fs.ErrNotExist) {
		return found{}, d.absent()
	}
	return f, err
}

// absent is ErrNotFound if the directory itself is there. In one that was removed everything would look absent.
func (d *Dir) absent() error {
	_, err := d.root.Lstat(internalDir)
	if errors.Is(err, fs.ErrNotExist) {
		err = d.root.MkdirAll(tempDir, dirPerm)
	}
	if err != nil {
		return fmt.Errorf("the bucket's directory is gone, it was removed or replaced while in use: %w", err)
	}
	return cache.ErrNotFound
}

// openRegular opens a regular file. Anything else but a folder is an error: a miss would pull the object and then find
// no place for it.
func (d *Dir) openRegular(path string) (found, error) {
	file, err := d.files.open(path)
	if err != nil {
		return found{}, takenOr(err)
	}
	s, err := file.state()
	switch {
	case err != nil:
	case s.kind.IsDir():
		err = errTaken
	case !s.kind.IsRegular():
		err = fmt.Errorf("%q is neither a file nor a folder: remove it", path)
	}
	if err != nil {
		file.close()
		return found{}, err
	}
	return found{file, path, s}, nil
}

// takenOr is errTaken for the errors that mean it.
func takenOr(err error) error {
	for _, taken := range []error{
		syscall.ENOTDIR, syscall.EISDIR, syscall.ENAMETOOLONG, syscall.EILSEQ, syscall.EINVAL, syscall.EXDEV,
	} {
		if errors.Is(err, taken) {
			return errTaken
		}
	}
	return err
}

// exact tells whether path is spelled as its folders list it, which on a disk that folds names opening does not tell.
func (d *Dir) exact(path string) bool {
	parent := "."
	for name := range strings.SplitSeq(path, "/") {
		folder, err := d.root.Open(parent)
		if err != nil {
			return false
		}
		names, err := folder.Readdirnames(-1)
		folder.Close()
		if err != nil || !slices.Contains(names, name) {
			return false
		}
		parent += "/" + name
	}
	return true
}

package bucket

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"mirrorgate/cache"
)

// Put implements cache.Bucket. Of PutOptions only IfMatch has a meaning in a directory; storage class, encryption, ACL
// and tags are refused. A body that is a cache.Proof is copied while it arrives.
func (d *Dir) Put(ctx context.Context, key string, body io.ReaderAt, meta cache.Meta, o cache.PutOptions) error {
	if internal(key) {
		return &cache.BucketError{Op: "put", Lasting: true, Err: cache.ErrKeyForm}
	}
	return d.putKey(ctx, key, body, meta, o)
}

func (d *Dir) putKey(ctx context.Context, key string, body io.ReaderAt, meta cache.Meta, o cache.PutOptions) error {
	if !legalKey(key) {
		return &cache.BucketError{Op: "put", Lasting: true, Err: cache.ErrKeyForm}
	}
	if meta.Size < 0 {
		return &cache.BucketError{Op: "put", Lasting: true, Err: errors.New("the size of the body is not known")}
	}
	if o.StorageClass != "" || o.Encryption != "" || o.KMSKey != "" || o.ACL != "" || len(o.Tags) > 0 {
		return &cache.BucketError{Op: "put", Lasting: true, Err: errNoOptions}
	}
	p := d.place(key)
	w, err := d.stage(ctx, p, body, meta, o.IfMatch)
	if err != nil {
		return diskError("put", err)
	}
	defer w.discard()
	if err := w.describe(meta); err != nil {
		return diskError("put", err)
	}
	if err := proven(ctx, body); err != nil {
		return diskError("put", err)
	}
	lock := &d.locks[p.stripe()]
	lock.Lock()
	defer lock.Unlock()
	if err := w.commit(o.IfMatch); err != nil {
		return diskError("put", err)
	}
	if err := w.settle(); err != nil {
		// The object is there, and its pending record describes it just as well.
		d.log.Warn("directory bucket: a record keeps its pending name", "record", w.pending, "error", err)
	}
	return nil
}

var errNoOptions = errors.New("a directory bucket has no storage classes, encryption, ACLs and tags")

// write is one object on its way into the directory: stage, describe, commit, settle. A crash between any two of them
// leaves the old object or the new one, each with its own metadata.
type write struct {
	dir       *Dir
	place     place
	temp      string // the body's file until it is committed
	file      *os.File
	adopted   bool // the file is the caller's to close
	id        identity
	md5       string
	pending   string // the record's name until it is settled
	committed bool
}

// stage makes the body a file of the directory that nobody looks for yet.
func (d *Dir) stage(
	ctx context.Context, p place, body io.ReaderAt, meta cache.Meta, ifMatch string,
) (*write, error) {
	if settled, ok := body.(cache.Settled); ok {
		if w, err := d.adopt(ctx, p, settled, meta); !errors.Is(err, errLongWay) {
			return w, err
		}
	}
	// Who cannot win learns it before the body is copied.
	if _, err := d.toReplace(p, ifMatch); err != nil {
		return nil, err
	}
	return d.copyIn(ctx, p, body, meta)
}

// copyIn copies the body.
func (d *Dir) copyIn(ctx context.Context, p place, body io.ReaderAt, meta cache.Meta) (*write, error) {
	temp, f, err := d.createTemp()
	if err != nil {
		return nil, err
	}
	sum := md5.New()
	err = copyBody(ctx, f, sum, body, meta.Size)
	w := &write{dir: d, place: p, temp: temp, file: f, md5: hex.EncodeToString(sum.Sum(nil))}
	if err == nil {
		err = w.compare(meta)
	}
	if err == nil {
		err = w.identify()
	}
	if err != nil {
		w.discard()
		return nil, err
	}
	return w, nil
}

// compare finds out whether the body is the one that its MD5 was made of.
func (w *write) compare(meta cache.Meta) error {
	if known := strings.ToLower(meta.Origin.MD5); isHexMD5(known) && known != w.md5 {
		return fmt.Errorf("%w: it has the MD5 %s, %s was expected", cache.ErrDamaged, w.md5, known)
	}
	return nil
}

// identify learns the identity of the staged file. Nobody writes to it any more.
func (w *write) identify() error {
	info, err := w.file.Stat()
	if err == nil {
		w.id = identityOf(info)
	}
	return err
}

// copyBody writes size bytes of body to a file, and to sum.
func copyBody(ctx context.Context, to io.Writer, sum hash.Hash, body io.ReaderAt, size int64) error {
	buf := make([]byte, min(size, 256<<10))
	for off := int64(0); off < size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := buf[:min(int64(len(buf)), size-off)]
		n, err := body.ReadAt(part, off)
		if n < len(part) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("read the body at byte %d of %d: %w", off+int64(n), size, err)
		}
		sum.Write(part)
		if _, err := to.Write(part); err != nil {
			return err
		}
		off += int64(n)
	}
	return ctx.Err()
}

// describe writes the record of the staged file, and brings both to the disk. It belongs to no file that anybody can
// open before commit, and the record of the object that is there now stays.
func (w *write) describe(meta cache.Meta) error {
	stored, _ := cache.EncodeMeta(meta)
	temp, f, err := w.dir.writeRecord(newRecord(w.place.key, w.id, w.md5, stored))
	if err != nil {
		return err
	}
	name := w.place.pendingRecord(w.id)
	if err := errors.Join(w.sync(f), f.Close()); err != nil {
		w.dir.removeTemp(temp)
		return err
	}
	if err := w.dir.rename(temp, name); err != nil {
		w.dir.removeTemp(temp)
		return err
	}
	w.pending = name
	return nil
}

// sync brings body and record to the disk: unsynced, a power cut could leave a file that is at its place and yet lacks
// bytes. Both are on their way before the first is waited for.
func (w *write) sync(record *os.File) error {
	startSync(w.file)
	startSync(record)
	return errors.Join(w.file.Sync(), record.Sync())
}

// commit puts the staged file at its place, if the condition holds. The caller holds the key's lock.
func (w *write) commit(ifMatch string) error {
	old, err := w.dir.toReplace(w.place, ifMatch)
	if err != nil {
		return err
	}
	if old == "" {
		err = w.create()
	} else if err = w.dir.rename(w.temp, old); err == nil {
		w.temp = ""
	}
	w.committed = err == nil
	w.dir.known.forget(w.place.key)
	return err
}

// toReplace is the path of the file that a write with this condition replaces, "" if it makes a new one.
func (d *Dir) toReplace(p place, ifMatch string) (path string, err error) {
	f, meta, err := d.look(p)
	if ifMatch == "" && errors.Is(err, cache.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	f.file.close()
	if ifMatch != meta.Bucket.ETag {
		return "", cache.ErrPrecondition
	}
	return f.path, nil
}

// create makes the staged file the object, at its plain path or, if that is taken by something else, aside. A path
// that is taken stays so until a person removes what is there: two writers never choose differently.
func (w *write) create() error {
	if w.place.create {
		if err := w.link(w.place.plain); !errors.Is(err, errTaken) {
			return err
		}
	}
	return w.link(w.place.aside())
}

// link moves the staged file to name: ErrPrecondition if the object is there meanwhile, errTaken if something else is.
func (w *write) link(name string) error {
	err := w.dir.renameNew(w.temp, name)
	if err == nil {
		w.temp = ""
		return nil
	}
	if errors.Is(err, errLongWay) {
		err = w.linkTo(name)
	}
	if !errors.Is(err, fs.ErrExist) {
		return takenOr(err)
	}
	f, err := w.dir.find(w.place)
	switch {
	case err == nil:
		f.file.close()
		return cache.ErrPrecondition
	case errors.Is(err, cache.ErrNotFound):
		return errTaken
	}
	return err
}

// linkTo does so by a hard link, or where there are none by renameTo. fs.ErrExist: something is there.
func (w *write) linkTo(name string) error {
	parent := path.Dir(name)
	switch err := w.dir.root.MkdirAll(parent, dirPerm); {
	case errors.Is(err, fs.ErrExist):
		return errTaken // by what is not a folder
	case err != nil:
		return err
	}
	if parent != "." && w.dir.folds && !w.dir.exact(parent) {
		return errTaken
	}
	err := w.dir.root.Link(w.temp, name)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		err = w.renameTo(name)
	}
	return err
}

// renameTo moves the staged file on a disk without hard links. A file that another program makes there at this very
// moment is lost.
func (w *write) renameTo(name string) error {
	_, err := w.dir.root.Lstat(name)
	if err == nil {
		return fs.ErrExist
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return w.dir.root.Rename(w.temp, name)
}

// settle gives the record its lasting name. The record of the object that was there before is gone with it.
func (w *write) settle() error {
	return w.dir.rename(w.pending, w.place.settledRecord())
}

// discard removes what is not needed any more, whether the write succeeded or not.
func (w *write) discard() {
	if !w.adopted {
		w.file.Close()
	}
	if w.temp != "" {
		w.dir.removeTemp(w.temp)
	}
	if w.pending != "" && !w.committed {
		w.dir.removeTemp(w.pending)
	}
}

// diskError makes the errors that are not the contract's own a BucketError.
func diskError(op string, err error) error {
	var done *cache.BucketError
	if errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrPrecondition) ||
		errors.Is(err, cache.ErrDamaged) || errors.As(err, &done) {
		return err
	}
	return &cache.BucketError{Op: op, Lasting: needsMending(err), Err: err}
}

// needsMending tells which errors somebody has to mend.
func needsMending(err error) bool {
	for _, e := range []error{
		fs.ErrPermission, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EFBIG, syscall.ELOOP,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

package bucket

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"os"
	"strings"

	"mirrorgate/cache"
)

// learnKind looks at what files have that are made in this directory. Where that cannot be told, no file is adopted.
func (d *Dir) learnKind() error {
	name, f, err := d.createTemp()
	if err != nil {
		return err
	}
	defer d.removeTemp(name)
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	d.mode = info.Mode().Perm()
	kind, err := kindOf(f)
	d.kind, d.adopts = kind, err == nil
	return nil
}

// adopt stages the file of a settled body by giving it a further name: nothing is copied. That needs a file on the same
// disk, of this process, and with the owners, access lists and labels that a file made here would have.
func (d *Dir) adopt(ctx context.Context, p place, body cache.Settled, meta cache.Meta) (*write, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file := body.File()
	temp, err := d.linkTemp(file)
	if err != nil {
		return nil, err
	}
	w := &write{dir: d, place: p, temp: temp, file: file, adopted: true, md5: strings.ToLower(meta.Origin.MD5)}
	if !body.Known() || !isHexMD5(w.md5) {
		err = w.hash(ctx, body, meta)
	}
	if err == nil {
		err = w.identify()
	}
	if err == nil && w.id.Size != meta.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		w.discard()
		return nil, err
	}
	return w, nil
}

// linkTemp gives a file a temporary name in the directory.
func (d *Dir) linkTemp(file *os.File) (name string, err error) {
	if !d.adopts {
		return "", errLongWay
	}
	if kind, err := kindOf(file); err != nil || kind != d.kind {
		return "", errLongWay
	}
	name = d.tempName()
	if heldFolder(d.temp).link(file, name[len(tempDir)+1:]) != nil {
		return "", errLongWay // another disk, or one without hard links
	}
	if err := file.Chmod(d.mode); err != nil {
		d.removeTemp(name)
		return "", errLongWay // somebody else's file
	}
	return name, nil
}

// hash makes the MD5 of a body, and compares it with the one that it came with.
func (w *write) hash(ctx context.Context, body io.ReaderAt, meta cache.Meta) error {
	sum := md5.New()
	if err := copyBody(ctx, io.Discard, sum, body, meta.Size); err != nil {
		return err
	}
	w.md5 = hex.EncodeToString(sum.Sum(nil))
	return w.compare(meta)
}
